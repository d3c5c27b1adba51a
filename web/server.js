/** The server that the page came from. */
import { Client } from "./client.js";

const $ = (id) => document.getElementById(id);

/**
 * Begins a session as the chosen speaker; the token is that of the field or of the page's #token=….
 *
 * @param {{sampleRate?: number, dials?: Record<string, number>}} options
 * @returns {Promise<Client>}
 */
export function connect(options) {
  const url = new URL("./v1/stream", document.baseURI);
  url.protocol = url.protocol.replace("http", "ws");
  url.hash = url.search = "";
  const token = $("token").value || new URLSearchParams(location.hash.slice(1)).get("token");
  const speaker = $("speaker").value || null;
  return Client.connect(url.href, { token, speaker, poses: ["humanoid"], ...options });
}
