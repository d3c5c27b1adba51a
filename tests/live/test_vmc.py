"""VMC messages, read by a receiver that shares nothing with the sender."""

import socket

import numpy as np
import pytest
from oscpy.parser import read_packet
from scipy.spatial.transform import Rotation

from llavataros.live.vmc import (
    MOST_BUNDLE_BYTES,
    Target,
    VmcMessages,
    VmcSender,
    bundles,
    parse_target,
    unity_name,
)
from llavataros.live.vmc_body import BodyPose, SentBody, standing
from llavataros_jax.errors import UserError
from tests.live import osc, unity

MOVED = ("hips", "spine", "chest")
ARMS = ("UpperArm", "LowerArm", "Hand")
MOVED = (*MOVED, *(f"{side}{part}" for side in ("right", "left") for part in ARMS))
REST = np.array(
    [
        *([0.0, 0.9, 0.0], [0.0, 1.2, 0.01], [0.0, 1.3, 0.01]),
        *([-0.13, 1.41, 0.03], [-0.43, 1.41, 0.03], [-0.66, 1.41, 0.03]),
        *([0.14, 1.42, 0.02], [0.43, 1.42, 0.02], [0.69, 1.42, 0.02]),
    ]
)
ABOVE = (-1, 0, 1, 2, 3, 4, 2, 6, 7)


def some_pose() -> BodyPose:
    """Returns a pose of which no bone is another's mirror image, and hips that went aside."""
    degrees = np.random.default_rng(5).uniform(-50, 50, (len(MOVED), 3))
    rotations = Rotation.from_euler("xyz", degrees, degrees=True).as_quat()
    return BodyPose(rotations, np.array([0.2, 0.85, -0.1]))


def our_world(pose: BodyPose) -> tuple[np.ndarray, list[Rotation]]:
    """Chains the bones of the motion in our own world."""
    places, turns = [pose.hips], [Rotation.from_quat(pose.rotations[0])]
    for bone, above in list(enumerate(ABOVE))[1:]:
        places.append(places[above] + turns[above].apply(REST[bone] - REST[above]))
        turns.append(turns[above] * Rotation.from_quat(pose.rotations[bone]))
    return np.array(places), turns


def received(pose: BodyPose, **options) -> list[osc.Message]:
    packets = VmcMessages(SentBody(MOVED, REST, **options)).frame(pose, 12.5)
    return [message for packet in packets for message in osc.messages(packet)]


def test_a_frame_has_the_messages_of_the_protocol_in_the_order_of_its_sample():
    frame = received(some_pose())
    bones = [message for message in frame if message.address == "/VMC/Ext/Bone/Pos"]
    assert [message.address for message in frame] == [
        "/VMC/Ext/Root/Pos",
        *["/VMC/Ext/Bone/Pos"] * len(bones),
        "/VMC/Ext/Blend/Apply",
        "/VMC/Ext/OK",
        "/VMC/Ext/T",
    ]
    assert {message.tags for message in (*bones, frame[0])} == {"sfffffff"}
    assert [(message.tags, message.values) for message in frame[-3:]] == [
        ("", ()),
        ("i", (1,)),
        ("f", (12.5,)),
    ]
    assert frame[0].values == ("root", 0, 0, 0, 0, 0, 0, 1)
    assert {message.values[0] for message in bones} == set(unity.ABOVE)
    # Some receivers put bones where messages say: a bone at zero would collapse into its parent.
    assert min(np.linalg.norm(message.values[1:4]) for message in bones) > 0.015


def test_a_marionette_in_unity_stands_as_our_kinematics_in_a_mirror():
    pose = some_pose()
    places, turns = our_world(pose)
    shown = unity.world(received(pose))
    for bone, place, turn in zip(MOVED, places, turns, strict=True):
        found, rotation = shown[bone[0].upper() + bone[1:]]
        np.testing.assert_allclose(found, place * [-1, 1, 1], atol=1e-5)
        # The mirror image of a rotation is M R M.
        mirror = np.diag([-1.0, 1.0, 1.0])
        np.testing.assert_allclose(
            rotation.as_matrix(), mirror @ turn.as_matrix() @ mirror, atol=1e-5
        )


def test_left_is_left():
    """Somebody who faces +z has the left hand at +x here, and at -x in Unity."""
    arm_up = BodyPose(np.tile([0.0, 0, 0, 1], (len(MOVED), 1)), REST[0])
    arm_up.rotations[MOVED.index("leftUpperArm")] = Rotation.from_euler("z", np.pi / 2).as_quat()
    shown = unity.world(received(arm_up))
    assert shown["LeftHand"][0][1] == pytest.approx(1.42 + 0.55, abs=1e-5)
    assert shown["RightHand"][0][1] == pytest.approx(1.41, abs=1e-5)
    assert shown["LeftUpperArm"][0][0] < 0 < shown["RightUpperArm"][0][0]


def test_a_head_that_nothing_moves_stays_level_and_looks_where_the_chest_does():
    pose = some_pose()
    shown = unity.world(received(pose))
    head, chest = shown["Head"][1].as_matrix(), shown["UpperChest"][1]
    np.testing.assert_allclose(head[:, 1], [0, 1, 0], atol=1e-6)
    # Its turn is what remains of the chest's when the chest is brought upright the shortest way.
    up = chest.apply([0, 1, 0])
    axis = np.cross(up, [0, 1, 0])
    upright = Rotation.from_rotvec(axis / np.linalg.norm(axis) * np.arccos(up[1]))
    np.testing.assert_allclose(head, (upright * chest).as_matrix(), atol=1e-5)
    neck = shown["Neck"][1]
    halves = [(chest.inv() * neck).magnitude(), (neck.inv() * shown["Head"][1]).magnitude()]
    assert halves[0] == pytest.approx(halves[1], abs=1e-4)


def test_legs_that_nothing_moves_hang_straight_down_from_the_hips():
    shown = unity.world(received(some_pose()))
    for side in ("Left", "Right"):
        leg = [shown[f"{side}{part}"][0] for part in ("UpperLeg", "LowerLeg", "Foot")]
        down = np.diff(leg, axis=0)
        np.testing.assert_allclose(down[:, [0, 2]], 0, atol=1e-6)
        assert (down[:, 1] < -0.3).all()


def test_bones_that_the_motion_has_are_moved_by_it():
    moved, rest = (*MOVED, "neck", "head"), np.vstack((REST, [[0, 1.5, 0], [0, 1.6, 0]]))
    turn = Rotation.from_euler("x", 30, degrees=True).as_quat()
    rotations = np.tile([0.0, 0, 0, 1], (len(moved), 1))
    rotations[-1] = turn
    packets = VmcMessages(SentBody(moved, rest)).frame(BodyPose(rotations, REST[0]), 0)
    head = unity.world([m for packet in packets for m in osc.messages(packet)])["Head"]
    np.testing.assert_allclose(head[0], [0, 1.6, 0], atol=1e-6)
    np.testing.assert_allclose(head[1].as_rotvec(degrees=True), [30, 0, 0], atol=1e-4)


def test_head_and_legs_can_be_left_to_the_receiver():
    names = {
        m.values[0] for m in received(some_pose(), without=("head", "legs")) if m.tags[:2] == "sf"
    }
    assert not {"Head", "Neck", "LeftUpperLeg", "RightFoot"} & names
    assert {"UpperChest", "LeftShoulder", "RightHand"} <= names


def test_the_offsets_of_a_known_avatar_are_sent_and_its_bones_alone():
    """A short avatar without an upper chest: no bone of it is stretched, and its hips stay low."""
    avatar = {"hips": [0.0, 0.45, 0.0], "spine": [0.0, 0.5, 0.0], "chest": [0.0, 0.6, 0.0]}
    avatar |= {"neck": [0.0, 0.75, 0.0], "head": [0.0, 0.8, 0.0]}
    for side, sign in (("left", 1), ("right", -1)):
        for part, along in zip(("Shoulder", *ARMS), (0.02, 0.1, 0.25, 0.4), strict=True):
            avatar[side + part] = [sign * along, 0.7, 0.0]
    places = {bone: np.array(place) for bone, place in avatar.items()}
    pose = some_pose()
    frame = received(pose, avatar=places)
    bones = {m.values[0]: np.array(m.values[1:]) for m in frame if "Bone" in m.address}
    assert set(bones) == {bone[0].upper() + bone[1:] for bone in avatar}
    np.testing.assert_allclose(bones["LeftLowerArm"][:3], [-0.15, 0, 0], atol=1e-6)
    np.testing.assert_allclose(bones["LeftShoulder"][:3], [-0.02, 0.1, 0], atol=1e-6)
    np.testing.assert_allclose(bones["Hips"][:3], pose.hips * [-0.5, 0.5, 0.5], atol=1e-6)
    _, turns = our_world(pose)
    shown = unity.world(frame)["LeftHand"][1].as_matrix()
    mirror = np.diag([-1.0, 1.0, 1.0])
    np.testing.assert_allclose(shown, mirror @ turns[-1].as_matrix() @ mirror, atol=1e-5)


def test_arms_of_the_standing_pose_hang():
    shown = unity.world(received(standing(MOVED, REST[0])))
    for side in ("Left", "Right"):
        assert shown[f"{side}Hand"][0][1] < shown[f"{side}UpperArm"][0][1] - 0.45
        assert 0.1 < abs(shown[f"{side}Hand"][0][0]) < 0.35


def test_bundles_fit_a_packet_and_hold_the_same_messages_in_order():
    packets = VmcMessages(SentBody(MOVED, REST)).frame(some_pose(), 1.0)
    packed = bundles(packets)
    assert 1 < len(packed) < 4
    assert max(map(len, packed)) <= MOST_BUNDLE_BYTES
    assert all(packet.startswith(b"#bundle\0") for packet in packed)
    plain = [message for packet in packets for message in osc.messages(packet)]
    assert [message for packet in packed for message in osc.messages(packet)] == plain


def test_another_library_reads_the_same():
    packets = VmcMessages(SentBody(MOVED, REST)).frame(some_pose(), 1.0)
    for packet in (*packets, *bundles(packets)):
        theirs = [
            (address.decode(), tuple(v.decode() if isinstance(v, bytes) else v for v in values))
            for address, _, values, _ in read_packet(packet, drop_late=False)
        ]
        assert [(m.address, m.values) for m in osc.messages(packet)] == theirs


@pytest.mark.parametrize(
    ("bone", "name"),
    [
        ("upperChest", "UpperChest"),
        ("leftThumbMetacarpal", "LeftThumbProximal"),
        ("rightThumbProximal", "RightThumbIntermediate"),
        ("rightThumbDistal", "RightThumbDistal"),
        ("leftLittleIntermediate", "LeftLittleIntermediate"),
    ],
)
def test_bones_have_the_names_of_unity(bone, name):
    assert unity_name(bone) == name


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("127.0.0.1:39540", Target("127.0.0.1", 39540)),
        ("host:", Target("host", 39539)),
        ("studio.local", Target("studio.local", 39539)),
        ("[::1]:39540", Target("::1", 39540)),
        ("::1", Target("::1", 39539)),
    ],
)
def test_targets_are_read(text, target):
    assert parse_target(text) == target


@pytest.mark.parametrize("text", ["", ":39539", "host:0", "host:70000", "host:port"])
def test_what_is_no_target_is_refused_in_a_sentence(text):
    with pytest.raises(UserError, match=r"--vmc .* is no address; give HOST:PORT"):
        parse_target(text)


def test_an_unknown_host_is_named():
    with pytest.raises(UserError, match=r"host 'nowhere\.invalid' is not known here"):
        VmcSender([Target("nowhere.invalid", 39539)])


@pytest.mark.parametrize("bundle", [False, True])
def test_every_receiver_gets_every_packet(bundle):
    with (
        socket.socket(type=socket.SOCK_DGRAM) as first,
        socket.socket(type=socket.SOCK_DGRAM) as second,
    ):
        for receiver in (first, second):
            receiver.bind(("127.0.0.1", 0))
            receiver.settimeout(5)
        targets = [Target("127.0.0.1", receiver.getsockname()[1]) for receiver in (first, second)]
        packets = VmcMessages(SentBody(MOVED, REST)).frame(some_pose(), 1.0)
        sender = VmcSender(targets, bundle=bundle)
        sender.send(packets)
        wanted = bundles(packets) if bundle else packets
        for receiver in (first, second):
            assert [receiver.recv(65536) for _ in wanted] == wanted
        sender.close()


def test_nobody_listening_is_no_failure():
    with socket.socket(type=socket.SOCK_DGRAM) as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    sender = VmcSender([Target("127.0.0.1", port)])
    for _ in range(3):
        sender.send([b"/a\0\0,\0\0\0"])
    sender.close()
