"""What is read of MP4 and WebM files, against what FFmpeg's own demuxers find in them."""

from __future__ import annotations

import io
from fractions import Fraction

import pytest

from autotag_core.failures import ItemError, Reason
from autotag_core.frames import read_header

av = pytest.importorskip("av")


def demuxed(data):
    """(bytes, milliseconds, whether it is a key frame) of the packets of the video, in their order, by FFmpeg."""
    with av.open(io.BytesIO(data), options={"ignore_editlist": "1"}) as found:
        stream = found.streams.video[0]
        packets = [one for one in found.demux(stream) if one.size]
        return [(bytes(one), one.pts * one.time_base * 1000, one.is_keyframe) for one in packets]


def walked(data):
    """The same by the header that the product reads. Times are only known from the first frame shown."""
    video = read_header(data).video
    return [(data[one.start : one.end], one.time, one.is_key) for one in video.samples]


def test_packets_are_those_that_ffmpeg_finds(videos, kind):
    data = videos.encode(videos.pictures(), *kind)
    theirs, ours = demuxed(data), walked(data)
    assert [one[0] for one in ours] == [one[0] for one in theirs]
    assert [one[2] for one in ours] == [one[2] for one in theirs]
    # in their own ticks: the same order, and the same steps up to one factor
    steps = [(b[1] - a[1], d[1] - c[1]) for a, b, c, d in zip(ours, ours[1:], theirs, theirs[1:], strict=False)]
    assert len({Fraction(mine) / yours for mine, yours in steps}) == 1


def test_the_header_says_canvas_frames_and_delays(videos, kind):
    header = read_header(videos.encode(videos.pictures(7), *kind))
    assert (header.format, header.width, header.height) == (
        "WEBM" if kind[0] in ("webm", "matroska") else "MP4",
        64,
        48,
    )
    assert (header.num_frames, header.delays_ms, header.truncated) == (7, (40,) * 7, False)


@pytest.mark.parametrize("container", ["mp4", "webm"])
def test_each_frame_has_its_own_delay(videos, container):
    codec = {"mp4": "h264", "webm": "libvpx-vp9"}[container]
    times = [0, 20, 500, 510, 2000]
    header = read_header(videos.encode(videos.pictures(5), container, codec, times=times))
    assert header.delays_ms[:4] == (20, 480, 10, 1490)


def test_sound_is_left_out(videos):
    data = videos.encode(videos.pictures(5), "mp4", "h264", sound=True)
    header = read_header(data)
    assert (header.num_frames, header.delays_ms) == (5, (40,) * 5)


def test_the_largest_of_several_videos_is_taken(videos):
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as output:
        streams = [output.add_stream("h264", rate=25) for _ in range(3)]
        for stream, side in zip(streams, (32, 64, 48), strict=True):
            stream.width = stream.height = side
            stream.pix_fmt = "yuv420p"
        for stream, side in zip(streams, (32, 64, 48), strict=True):
            for picture in videos.pictures(3, side, side):
                output.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
            output.mux(stream.encode())
    header = read_header(file.getvalue())
    assert (header.width, header.height, header.num_frames) == (64, 64, 3)


def reason_of(data):
    with pytest.raises(ItemError) as caught:
        read_header(data)
    return caught.value.reason


def test_a_video_that_browsers_do_not_play_is_undecodable(videos):
    assert reason_of(videos.encode(videos.pictures(3), "mp4", "mpeg4")) is Reason.UNDECODABLE
    assert reason_of(videos.encode(videos.pictures(3), "matroska", "mpeg4")) is Reason.UNDECODABLE


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"\0\0\0\x14ftypisom\0\0\0\0isom", Reason.UNDECODABLE),
        (b"\0\0\0\x14ftypheic\0\0\0\0heic", Reason.NOT_AN_IMAGE),
        (b"\0\0\0\x14moov" + bytes(12), Reason.NOT_AN_IMAGE),
        (b"\x1a\x45\xdf\xa3", Reason.UNDECODABLE),
        (b"\x1a\x45\xdf\xa3\x80\x18\x53\x80\x67\xff", Reason.UNDECODABLE),
    ],
)
def test_what_is_no_video_is_told_from_a_video_without_frames(data, reason):
    assert reason_of(data) is reason


def test_a_cut_file_has_the_frames_whose_packets_are_whole(videos):
    data = videos.encode(videos.pictures(), "webm", "libvpx-vp9")
    header = read_header(data[: len(data) * 2 // 3])
    assert 3 < header.num_frames < 30
    assert header.truncated
    assert (
        reason_of(videos.encode(videos.pictures(), "mp4", "h264")[:-100]) is Reason.UNDECODABLE
    )  # its tables are last


def patched(data, name, change):
    """The file with `change` made to the 60 bytes from a box's name on."""
    place = data.rindex(name)
    body = bytearray(data[place : place + 60])
    change(body)
    return data[:place] + bytes(body) + data[place + 60 :]


def test_tables_that_claim_billions_of_frames_cost_nothing(videos):
    """The sizes are one number for all, so no table bounds how many there are: the file does."""
    data = videos.encode(videos.pictures(3))

    def claim(body):
        body[8:16] = (1).to_bytes(4, "big") + (2**32 - 1).to_bytes(4, "big")

    many = patched(data, b"stsz", claim)
    assert read_header(many).num_frames <= len(many)

    def play_for_centuries(body):
        body[12:20] = (2**32 - 1).to_bytes(4, "big") * 2

    long = patched(many, b"stts", play_for_centuries)
    assert read_header(long).num_frames <= len(long)
    in_seconds = patched(long, b"mdhd", lambda body: body.__setitem__(slice(16, 20), (1).to_bytes(4, "big")))
    assert reason_of(in_seconds) is Reason.UNDECODABLE


@pytest.mark.parametrize("name", [b"stsz", b"stco", b"stsc", b"stts", b"stss", b"ctts", b"tkhd", b"avcC", b"mdhd"])
def test_a_missing_or_empty_table_is_no_crash(videos, name):
    data = videos.encode(videos.pictures(5))
    for changed in (
        data.replace(name, b"free"),
        patched(data, name, lambda body: body.__setitem__(slice(8, 12), bytes(4))),
    ):
        try:
            assert read_header(changed).num_frames >= 1
        except ItemError as error:
            assert error.reason is Reason.UNDECODABLE
