"""Virtual Motion Capture protocol: poses as OSC messages over UDP (protocol.vmc.info).

Unity's world is left-handed with y up and z ahead, so x is mirrored. A frame has the order of the
protocol's sample sender: root, bones, blend shapes, OK, time. `Blend/Apply` goes with every frame
though there is no face: one Unreal receiver shows a frame only when it comes.
"""

import socket
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from llavataros.live.vmc_body import BodyPose, SentBody
from llavataros_jax.errors import UserError
from llavataros_jax.packages import require_packages

DEFAULT_PORT = 39539  # of marionettes, which receive motion and draw it
# The largest UDP message that fits Ethernet's 1500 bytes with the headers of IPv6 (40) and UDP (8):
# what is larger is cut into pieces, and is lost whole when one of them is.
MOST_BUNDLE_BYTES = 1452
_BUNDLE_HEADER_BYTES = 16
_SIZE_BYTES = 4
_THUMB = {"Metacarpal": "Proximal", "Proximal": "Intermediate", "Distal": "Distal"}


def unity_name(bone: str) -> str:
    """Returns the name of Unity's HumanBodyBones for a bone of VRM 1.0."""
    name = bone[0].upper() + bone[1:]
    side, found, joint = name.partition("Thumb")
    return side + found + _THUMB[joint] if found else name


def unity_place(place: Float[np.ndarray, "*B 3"]) -> Float[np.ndarray, "*B 3"]:
    """Turns places of our world (right-handed, y up, facing +z) into Unity's."""
    return place * [-1.0, 1.0, 1.0]


def unity_rotation(q: Float[np.ndarray, "*B 4"]) -> Float[np.ndarray, "*B 4"]:
    """Turns quaternions xyzw of our world into Unity's."""
    return q * [1.0, -1.0, -1.0, 1.0]


class VmcMessages:
    """Makes the messages of each frame of one body."""

    def __init__(self, body: SentBody) -> None:
        require_packages("VMC", "pythonosc", extra="live")
        self._body = body
        self._names = [unity_name(bone) for bone in body.bones]
        self._offsets = unity_place(body.offsets)

    def frame(self, pose: BodyPose, seconds: float) -> list[bytes]:
        """Returns the messages that show a pose.

        Args:
            pose: Of the motion's bones.
            seconds: The sender's own time.
        """
        rotations, hips = self._body.pose(pose)
        places = self._offsets.copy()
        places[0] = unity_place(hips)
        messages = [_message("/VMC/Ext/Root/Pos", "root", *_ORIGIN)]
        for name, place, q in zip(self._names, places, unity_rotation(rotations), strict=True):
            messages.append(_message("/VMC/Ext/Bone/Pos", name, *place.tolist(), *q.tolist()))
        messages.append(_message("/VMC/Ext/Blend/Apply"))
        messages.append(_message("/VMC/Ext/OK", 1))
        messages.append(_message("/VMC/Ext/T", float(seconds)))
        return messages


_ORIGIN = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0)


def _message(address: str, *arguments: str | int | float) -> bytes:
    from pythonosc.osc_message_builder import OscMessageBuilder

    builder = OscMessageBuilder(address)
    tags = {str: "s", int: "i", float: "f"}
    for argument in arguments:
        builder.add_arg(argument, tags[type(argument)])
    return builder.build().dgram


def bundles(messages: Iterable[bytes], most_bytes: int = MOST_BUNDLE_BYTES) -> list[bytes]:
    """Packs messages in their order into as few OSC bundles as fit `most_bytes` each."""
    from pythonosc.osc_bundle_builder import IMMEDIATELY, OscBundleBuilder
    from pythonosc.osc_message import OscMessage

    packed: list[bytes] = []
    room, builder = 0, OscBundleBuilder(IMMEDIATELY)
    for message in messages:
        need = _SIZE_BYTES + len(message)
        if need > room:
            if room:
                packed.append(builder.build().dgram)
            room, builder = most_bytes - _BUNDLE_HEADER_BYTES, OscBundleBuilder(IMMEDIATELY)
        builder.add_content(OscMessage(message))
        room -= need
    return [*packed, builder.build().dgram] if room else packed


@dataclass(frozen=True)
class Target:
    """Where frames are sent.

    Attributes:
        host: Name or number of the machine.
        port: Of UDP.
    """

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def parse_target(text: str) -> Target:
    """Reads HOST:PORT, HOST, or [IPv6]:PORT.

    Raises:
        UserError: When it is none.
    """
    host, bracket, rest = text.strip().partition("]")
    if bracket:
        host, port = host.removeprefix("["), rest.removeprefix(":")
    elif text.count(":") > 1:
        host, port = text.strip(), ""
    else:
        host, _, port = host.partition(":")
    number = int(port) if port.isascii() and port.isdecimal() else 0 if port else DEFAULT_PORT
    if not host or not 1 <= number <= 65535:
        raise UserError(
            f"--vmc {text} is no address; give HOST:PORT, such as 127.0.0.1:{DEFAULT_PORT}, with "
            "a port from 1 to 65535"
        )
    return Target(host, number)


class VmcSender:
    """Sends frames to one or several receivers.

    UDP does not tell whether anybody listens.
    """

    def __init__(self, targets: Sequence[Target], *, bundle: bool = False) -> None:
        """Finds the receivers' addresses.

        Args:
            targets: Where frames go.
            bundle: Whether messages are packed into bundles, which some receivers do not read.

        Raises:
            UserError: When a host is unknown.
        """
        self._bundle = bundle
        self._sent: list[tuple[Target, socket.socket, tuple]] = []
        for target in targets:
            try:
                found = socket.getaddrinfo(target.host, target.port, type=socket.SOCK_DGRAM)
            except (OSError, UnicodeError) as problem:
                self.close()
                raise UserError(
                    f"--vmc {target}: host {target.host!r} is not known here "
                    f"({getattr(problem, 'strerror', None) or problem}); check the name or give "
                    "the number that the receiver's machine has"
                ) from None
            # Receivers mostly listen to IPv4 alone, which `localhost` may name second.
            found.sort(key=lambda each: each[0] != socket.AF_INET)
            family, kind, protocol, _, address = found[0]
            self._sent.append((target, socket.socket(family, kind, protocol), address))

    def send(self, messages: Sequence[bytes]) -> None:
        """Sends the messages of a frame.

        Raises:
            UserError: When there is no way to a receiver's machine.
        """
        packets = bundles(messages) if self._bundle else messages
        for target, out, address in self._sent:
            for packet in packets:
                try:
                    out.sendto(packet, address)
                except (BlockingIOError, ConnectionRefusedError):
                    continue  # a full queue, or nobody there: the next frame replaces this one
                except OSError as problem:
                    raise UserError(
                        f"--vmc {target} cannot be sent to: {problem.strerror}; check the address "
                        "and the network"
                    ) from None

    def close(self) -> None:
        """Closes the sockets."""
        for _, out, _ in self._sent:
            out.close()
        self._sent = []


class VmcOut:
    """Shows poses of a body to receivers of VMC."""

    def __init__(self, body: SentBody, sender: VmcSender) -> None:
        self._messages, self._sender = VmcMessages(body), sender

    def show(self, pose: BodyPose, seconds: float) -> None:
        """Sends a pose at a time of the sender's own clock.

        Raises:
            UserError: When there is no way to a receiver's machine.
        """
        self._sender.send(self._messages.frame(pose, seconds))

    def close(self) -> None:
        """Closes the sockets."""
        self._sender.close()
