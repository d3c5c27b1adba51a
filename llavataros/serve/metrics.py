"""What Prometheus reads of the server."""

import itertools
from collections.abc import Sequence

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from llavataros.live.live_frame import LiveFrame
from llavataros.serve.codes import Code

# From half a millisecond to ten seconds, each a fifth more than the last.
_SECONDS = tuple(0.0005 * 1.2**step for step in range(55))
STAGES = ("features", "wait", "step", "wire", "all")


class Metrics:
    """Counters of one server, in a registry of its own."""

    def __init__(self):
        self.registry = CollectorRegistry()
        of_mine = {"namespace": "llavataros", "registry": self.registry}
        self.sessions = Gauge("sessions", "sessions with a connection", **of_mine)
        self.lost_sessions = Gauge("lost_sessions", "sessions that wait for a resume", **of_mine)
        self.connections = Gauge("connections", "open WebSockets", **of_mine)
        self.opened = Counter("sessions_opened", "sessions that began", **of_mine)
        self.resumed = Counter("sessions_resumed", "sessions that went on", **of_mine)
        self.sound_seconds = Counter("sound_seconds", "seconds of sound that came", **of_mine)
        self.frames = Counter("frames", "frames that were sent", **of_mine)
        self.waiting_frames = Gauge("waiting_frames", "frames made and not sent", **of_mine)
        self.errors = Counter("errors", "refusals, by code", ["code"], **of_mine)
        self.requests = Counter(
            "animate_requests", "recordings animated, by format", ["format"], **of_mine
        )
        self.waiting_requests = Gauge("animate_waiting", "recordings that wait or run", **of_mine)
        self.stages = Histogram(
            "frame_seconds",
            "time of a frame by stage: features after its last sample came, wait for the step, "
            "step, wire (until its bytes were handed to the socket), and all together",
            ["stage"],
            buckets=_SECONDS,
            **of_mine,
        )
        for code in Code:
            self.errors.labels(code.value)
        self._stages = [self.stages.labels(stage) for stage in STAGES]

    def count_frames(self, frames: Sequence[LiveFrame], now: float) -> None:
        """Counts frames that were sent at `now`, by time.monotonic."""
        self.frames.inc(len(frames))
        for frame in frames:
            times = (
                *(frame.heard_monotonic, frame.ready_monotonic, frame.stepped_monotonic),
                *(frame.made_monotonic, now),
            )
            spent = [later - earlier for earlier, later in itertools.pairwise(times)]
            for stage, seconds in zip(self._stages, [*spent, now - times[0]], strict=True):
                stage.observe(seconds)

    def text(self) -> bytes:
        """Returns all of it in the text form of Prometheus."""
        return generate_latest(self.registry)
