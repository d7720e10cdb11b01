"""A photo is hostile until it is decoded; only our own encoding is stored."""

from __future__ import annotations

import io
import os
import struct
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pillow_heif
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import ExifTags, Image, ImageOps

from city.folder import load_city
from core.child import Workshop
from core.clock import ManualClock
from core.database import Database
from core.errors import BadInput, Retryable
from reports import decoding, photos, register
from reports.decoding import PhotoRefused
from reports.photos import photo_path, store_photo
from reports.retention import forget_photos
from reports.states import ReportState
from reports.work import Change, change
from tests.support.project import PROJECT

SAMPLE = Path(__file__).resolve().parents[2] / "deploy" / "city"


def picture(mode: str = "RGB", size: tuple[int, int] = (300, 200), form: str = "JPEG") -> bytes:
    output = io.BytesIO()
    Image.new(mode, size, 1 if mode in "1LP" else None).save(output, form)
    return output.getvalue()


def test_a_photo_is_kept_upright_small_and_without_metadata(tmp_path: Path) -> None:
    image = Image.new("RGB", (3000, 1000), "red")
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x9286] = "a comment"
    output = io.BytesIO()
    image.save(output, "JPEG", exif=exif, comment=b"a secret")
    kept = store_photo(tmp_path, output.getvalue())
    assert (kept.width, kept.height) == (683, 2048)
    with Image.open(photo_path(tmp_path, kept.sha256)) as stored:
        assert stored.size == (683, 2048)
        assert dict(stored.getexif()) == {}
        assert "comment" not in stored.info
    with Image.open(photo_path(tmp_path, kept.sha256, thumbnail=True)) as small:
        assert max(small.size) == 320


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "LA", "P", "1", "CMYK"])
def test_pictures_of_every_kind_are_taken(tmp_path: Path, mode: str) -> None:
    kept = store_photo(tmp_path, picture(mode, form="JPEG" if mode == "CMYK" else "PNG"))
    assert (kept.width, kept.height) == (300, 200)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (picture("1", (20_000, 10_000), "PNG"), "too-large"),
        (picture("1", (8_000, 8_000), "PNG"), "too-large"),
        (b"\xff\xd8" + b"\0" * (decoding.MAX_BYTES + 1), "too-large"),
        (picture(form="GIF"), "unreadable"),
        (picture(form="BMP"), "unreadable"),
        (picture(form="TIFF"), "unreadable"),
        (b"%!PS-Adobe-3.0 EPSF-3.0", "unreadable"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "unreadable"),
        (picture()[:-200], "unreadable"),
        (b"", "unreadable"),
    ],
)
def test_what_is_no_decent_photo_is_refused(tmp_path: Path, body: bytes, reason: str) -> None:
    with pytest.raises(PhotoRefused) as refused:
        store_photo(tmp_path, body)
    assert refused.value.kind == reason
    assert not list(tmp_path.rglob("*.jpg"))


def heic(size: tuple[int, int] = (400, 300), *, deep: bool = False) -> bytes:
    """A photo as an iPhone keeps it; ``deep`` with 10 bits a colour."""
    output = io.BytesIO()
    if deep:
        words = b"\x00\x40" * (size[0] * size[1] * 3)
        pillow_heif.encode("RGB;16", size, words, output, quality=50)
    else:
        pillow_heif.from_pillow(Image.new("RGB", size, "red")).save(output, quality=50)
    return output.getvalue()


@pytest.mark.parametrize("deep", [False, True])
async def test_a_photo_of_an_iphone_is_taken_by_a_child(tmp_path: Path, deep: bool) -> None:
    kept = await photos.take_photo(photos.decoding_workshop(), tmp_path, heic(deep=deep))
    assert (kept.width, kept.height) == (400, 300)
    with Image.open(photo_path(tmp_path, kept.sha256)) as stored:
        assert stored.format == "JPEG"
        red, green, blue = stored.convert("RGB").getpixel((200, 150))  # type: ignore[misc]
    # 0x4000 of 0xffff is a dark grey.
    assert all(abs(value - 64) < 4 for value in (red, green, blue)) if deep else red > 240


def test_half_a_photo_of_an_iphone_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PhotoRefused) as refused:
        store_photo(tmp_path, heic()[:-200])
    assert refused.value.kind == "unreadable"


def test_a_grey_picture_of_16_bits_keeps_its_shades(tmp_path: Path) -> None:
    image = Image.new("I;16", (256, 16))
    for x in range(256):
        for y in range(16):
            image.putpixel((x, y), x * 257)
    output = io.BytesIO()
    image.save(output, "PNG")
    kept = store_photo(tmp_path, output.getvalue())
    with Image.open(photo_path(tmp_path, kept.sha256)) as stored:
        shades = [stored.convert("L").getpixel((x, 8)) for x in (0, 64, 128, 192, 255)]
    assert all(
        abs(shade - x) < 4  # type: ignore[operator]
        for shade, x in zip(shades, (0, 64, 128, 192, 255), strict=True)
    )


def test_of_a_moving_picture_the_first_one_is_kept(tmp_path: Path) -> None:
    output = io.BytesIO()
    later = [Image.new("RGB", (64, 48), colour) for colour in ("blue", "green")]
    Image.new("RGB", (64, 48), "red").save(
        output, "WEBP", save_all=True, append_images=later, lossless=True
    )
    kept = store_photo(tmp_path, output.getvalue())
    with Image.open(photo_path(tmp_path, kept.sha256)) as stored:
        red, _, blue = stored.getpixel((32, 24))  # type: ignore[misc]
    assert red > 240 and blue < 20


@pytest.mark.slow
def test_a_small_file_that_unpacks_to_a_huge_picture_takes_little_memory(tmp_path: Path) -> None:
    """60 megapixels are 240 MB unpacked; beside that there is room for nothing of the size."""
    huge = tmp_path / "huge.png"
    Image.new("RGB", (7_700, 7_700), "grey").save(huge, "PNG")
    script = (
        "import resource, sys; from pathlib import Path; from reports.photos import store_photo\n"
        "peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024\n"
        "before = peak(); store_photo(Path(sys.argv[2]), Path(sys.argv[1]).read_bytes())\n"
        "print(peak() - before)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(huge), str(tmp_path)],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert int(done.stdout) < 400


def progressive(scans: int) -> bytes:
    """A progressive JPEG of 49 megapixels whose last pass is repeated, a few bytes each time."""
    output = io.BytesIO()
    Image.new("L", (7_000, 7_000), 90).save(output, "JPEG", progressive=True, quality=30)
    body = output.getvalue()
    last = body.rindex(b"\xff\xda")
    return body[:last] + body[last:-2] * scans + body[-2:]


async def test_a_photo_drawn_over_itself_is_refused_by_its_passes(tmp_path: Path) -> None:
    with pytest.raises(PhotoRefused) as refused:
        store_photo(tmp_path, progressive(decoding.MAX_SCANS + 1))
    assert refused.value.kind == "too-large"


@pytest.mark.slow
async def test_an_honest_progressive_photo_is_taken_by_a_child(tmp_path: Path) -> None:
    output = io.BytesIO()
    Image.effect_noise((4_000, 3_000), 40).convert("RGB").save(output, "JPEG", progressive=True)
    kept = await photos.take_photo(photos.decoding_workshop(), tmp_path, output.getvalue())
    assert (kept.width, kept.height) == (2048, 1536)
    assert photo_path(tmp_path, kept.sha256).is_file()


@pytest.mark.slow
async def test_a_photo_that_takes_too_much_memory_ends_its_child_and_not_us(
    tmp_path: Path,
) -> None:
    output = io.BytesIO()
    Image.new("RGBA", (7_700, 7_700), (9, 9, 9, 9)).save(output, "WEBP", lossless=True, method=0)
    assert len(output.getvalue()) < 100_000
    with pytest.raises(PhotoRefused):
        await photos.take_photo(photos.decoding_workshop(), tmp_path, output.getvalue())


@pytest.mark.slow
async def test_a_photo_that_takes_too_long_ends_its_child_and_not_us(tmp_path: Path) -> None:
    decoding_workshop = Workshop("reports.decoding:shrink", processor_seconds=1)
    with pytest.raises(PhotoRefused) as refused:
        await photos.take_photo(decoding_workshop, tmp_path, progressive(decoding.MAX_SCANS - 8))
    assert refused.value.kind == "too-large"


def test_a_file_that_is_two_things_at_once_is_kept_as_a_photo_alone(tmp_path: Path) -> None:
    page = b"<script>alert(1)</script>PK\x03\x04"
    kept = store_photo(tmp_path, picture() + page)
    assert b"script" not in photo_path(tmp_path, kept.sha256).read_bytes()


async def test_a_photo_with_another_behind_it_is_refused_by_its_passes_too(tmp_path: Path) -> None:
    output = io.BytesIO()
    first, second = Image.new("RGB", (300, 200), "grey"), Image.new("RGB", (300, 200))
    first.save(output, "MPO", save_all=True, append_images=[second])
    kept = store_photo(tmp_path, output.getvalue())
    assert (kept.width, kept.height) == (300, 200)
    more_passes = output.getvalue() + b"\xff\xda" * decoding.MAX_SCANS
    with pytest.raises(PhotoRefused) as refused:
        store_photo(tmp_path, more_passes)
    assert refused.value.kind == "too-large"


EXIF_OF_TWO = b"Exif\0\0II" + struct.pack("<HLH", 42, 8, 2)
ON_ITS_SIDE = struct.pack("<HHLHH", 0x112, 3, 1, 6, 0)


@pytest.mark.parametrize(
    "entry",
    [
        struct.pack("<HHLf", 0x128, 11, 1, 2.5),  # the unit of resolution as a fraction
        struct.pack("<HHLL", 0x112 + 1, 4, 1, 2**32 - 1),  # a number that its tag cannot have
        struct.pack("<HHLf", 0x10F, 11, 1, 1.0),  # the maker's name as a fraction
        struct.pack("<HHLL", 0x8825, 4, 1, 2**31),  # a position behind the end of the file
    ],
)
def test_a_photo_is_taken_upright_though_its_metadata_lie(tmp_path: Path, entry: bytes) -> None:
    output = io.BytesIO()
    scene = Image.new("RGB", (300, 200), "red")
    scene.paste("blue", (0, 0, 150, 200))
    scene.save(output, "JPEG")
    lies = EXIF_OF_TWO + ON_ITS_SIDE + entry + struct.pack("<L", 0)
    block = b"\xff\xe1" + struct.pack(">H", len(lies) + 2) + lies
    data = output.getvalue()
    kept = store_photo(tmp_path, data[:2] + block + data[2:])
    assert (kept.width, kept.height, kept.taken_at) == (200, 300, None)
    with Image.open(photo_path(tmp_path, kept.sha256)) as stored:
        # What was left lies above: turned to the right by a quarter.
        above, below = stored.getpixel((100, 20)), stored.getpixel((100, 280))
        assert isinstance(above, tuple) and isinstance(below, tuple)
        assert above[2] > 200 and below[0] > 200


@pytest.mark.parametrize("orientation", range(2, 9))
def test_each_way_in_which_a_photo_can_lie_is_made_upright(
    tmp_path: Path, orientation: int
) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    scene = Image.new("RGB", (300, 200), "red")
    scene.paste("blue", (0, 0, 150, 100))
    output = io.BytesIO()
    scene.save(output, "PNG", exif=exif)
    with Image.open(io.BytesIO(output.getvalue())) as opened:
        expected = ImageOps.exif_transpose(opened)
    image, _place = decoding.decode_picture(output.getvalue())
    assert image.size == expected.size and image.tobytes() == expected.tobytes()


def test_where_a_photo_was_taken_is_told_once_and_not_kept(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[ExifTags.IFD.GPSInfo] = {1: "N", 2: (36.0, 5.0, 0.0), 3: "E", 4: (140.0, 6.0, 0.0)}
    output = io.BytesIO()
    Image.new("RGB", (300, 200)).save(output, "JPEG", exif=exif)
    kept = store_photo(tmp_path, output.getvalue())
    assert kept.taken_at == pytest.approx((140.1, 36.0833), abs=0.001)
    assert "taken" not in str(kept.to_json())
    for small in (False, True):
        with Image.open(photo_path(tmp_path, kept.sha256, thumbnail=small)) as stored:
            assert not stored.getexif()


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_spoilt_photos_never_break_anything(data: st.DataObject) -> None:
    """Flipped bytes anywhere: kept or refused, nothing else."""
    body = bytearray(picture(form=data.draw(st.sampled_from(["JPEG", "PNG", "WEBP"]))))
    for _ in range(data.draw(st.integers(1, 12))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    try:
        image, _place = decoding.decode_picture(bytes(body))
    except PhotoRefused:
        return
    assert max(image.size) <= decoding.LONGEST_SIDE


@pytest.mark.parametrize("name", ["", "../../etc/passwd", "A" * 64, "a" * 63, "a" * 64 + "/"])
def test_only_hashes_name_photos(tmp_path: Path, name: str) -> None:
    with pytest.raises(BadInput):
        photo_path(tmp_path, name)


async def test_photos_go_when_the_citys_days_are_over(
    database: Database, tmp_path: Path, clock: ManualClock
) -> None:
    city = load_city(SAMPLE)
    media = tmp_path / "media"
    kept, waiting, stray = (
        store_photo(media, picture(size=(300, height))) for height in (100, 150, 200)
    )
    async with database.writing() as session:
        report = await register.create_report(
            session,
            city,
            register.Draft(category=city.report_categories[0].code, origin="a", pictures=(kept,)),
            resident_id=None,
            language="ja",
            now=clock.now(),
        )
        ended = Change(state=ReportState.DONE)
        await change(session, city, report.number, ended, by="roads@example.jp", now=clock.now())
    old = datetime(2026, 6, 1, tzinfo=UTC).timestamp()
    for path in media.rglob("*.jpg"):
        os.utime(path, (old, old))
    later = clock.now() + timedelta(days=100)
    assert await forget_photos(database, city, later) == 0
    assert await photos.sweep_files(database, media, later, in_use=[waiting.sha256]) == 1
    assert not photo_path(media, stray.sha256).exists()
    assert photo_path(media, waiting.sha256).exists()
    later = clock.now() + timedelta(days=400)
    assert await forget_photos(database, city, later) == 1
    assert await photos.sweep_files(database, media, later) == 2
    assert not list(media.rglob("*.jpg"))


async def test_a_photo_for_which_the_machine_has_no_time_is_taken_later(tmp_path: Path) -> None:
    """A busy machine is no fault of the photo: nobody is told that it cannot be read."""
    busy = Workshop("reports.decoding:shrink", patience=0.0)
    with pytest.raises(Retryable):
        await photos.take_photo(busy, tmp_path, picture())
    assert await photos.take_photo(photos.decoding_workshop(), tmp_path, picture())
