"""`llavataros serve`: speech streamed in, frames streamed out, over WebSocket and HTTP."""
