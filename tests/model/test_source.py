"""What a description is read from: encodings, marks, blank lines, compressed files."""

import bz2
import gzip
import io
import lzma
import zipfile

import pytest

import fkarm
from fkarm import Robot
from fkarm.model.source import outermost_tag

BODY = '<robot name="{}"><link name="a"/></robot>'


def text(name, encoding):
    return f'<?xml version="1.0" encoding="{encoding}"?>\n{BODY.format(name)}'


@pytest.mark.parametrize(
    ("declared", "name", "codec"),
    [
        ("UTF8", "Größe", "utf-8"),
        ("utf8", "Größe", "utf-8"),
        ("utf_8", "Größe", "utf-8"),
        ("gb2312", "机器人", "gb2312"),
        ("GBK", "機器人", "gbk"),
        ("GB18030", "机器人😀", "gb18030"),
        ("big5", "機器人", "big5"),
        ("Shift_JIS", "ロボット", "shift_jis"),
        ("EUC-KR", "로봇", "euc_kr"),
        ("windows-1252", "Größe €", "cp1252"),
        ("ISO-8859-5", "робот", "iso8859-5"),
        ("UTF-16", "Größe", "utf-16"),
        ("UTF-16", "Größe", "utf-16-le"),
        ("UTF-16", "Größe", "utf-16-be"),
        ("UTF-32", "Größe", "utf-32"),
    ],
    ids=lambda value: value if value.isascii() else "",
)
def test_bytes_files_and_text_are_one_robot_in_every_encoding(declared, name, codec, tmp_path):
    path = tmp_path / "arm.urdf"
    path.write_bytes(text(name, declared).encode(codec))
    for source in (path, path.read_bytes(), io.BytesIO(path.read_bytes()), text(name, declared)):
        assert Robot.from_urdf(source).name == name


@pytest.mark.parametrize("start", ["\n", "\ufeff", "\ufeff\r\n\t ", "\n\ufeff"], ids=repr)
@pytest.mark.parametrize("declaration", [True, False], ids=["declared", "bare"])
def test_a_mark_and_blank_lines_may_come_first(start, declaration):
    given = start + (text("Größe", "utf-8") if declaration else BODY.format("Größe"))
    for source in (given, given.encode()):
        assert Robot.from_urdf(source).name == "Größe"


def test_blank_lines_count_in_messages():
    given = "\n\n" + text("r", "utf-8").replace("<link", "\n<link").replace('"a"', '""')
    for source in (given, given.encode(), "\ufeff" + given):
        with pytest.raises(fkarm.URDFError, match="line 4, <robot> 'r'|line 5, <link>"):
            Robot.from_urdf(source)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (text("Größe", "ascii").encode(), "it declares, 'ascii'.*can't decode.*Save it as UTF-8"),
        (text("Größe", "utf-16").encode(), "it declares, 'utf-16'. Received: "),
        (text("robots", "utf-16").encode(), "it declares, 'utf-16'. Received: "),
        (text("r", "cp037").encode(), "it declares, 'cp037'. Received: a declaration in another"),
        (text("r", "klingon").encode(), "it declares, 'klingon'. Received: unknown encoding"),
        (text("r", "rot13").encode(), "it declares, .rot13.*not a text encoding"),
        (
            BODY.format("Größe").encode("latin-1"),
            "of a text that declares none, .utf-8.*open.path, enc",
        ),
        (b"\xff\xfe\x00", "its first bytes show, 'utf-16'"),
    ],
    ids=["ascii", "no mark", "no mark, even", "ebcdic", "unknown", "no text", "none", "cut"],
)
def test_bytes_in_another_encoding_than_they_state_are_refused(data, message):
    with pytest.raises(fkarm.URDFError, match=f"URDF text: .*must be in the encoding {message}"):
        Robot.from_urdf(data)


def test_half_a_surrogate_pair_is_refused():
    with pytest.raises(fkarm.URDFError, match="must be well-formed XML.*surrogates"):
        Robot.from_urdf(BODY.format("\ud800"))


@pytest.mark.parametrize("pack", [gzip, bz2, lzma], ids=lambda module: module.__name__)
def test_a_compressed_path_is_refused_and_its_open_file_is_read(pack, tmp_path):
    path = tmp_path / "arm.urdf"
    path.write_bytes(pack.compress(BODY.format("packed").encode()))
    opened = rf"must not be compressed.*open file: {pack.__name__}\.open\(path\)\."
    with pytest.raises(fkarm.URDFError, match=rf"arm\.urdf: .*{opened}"):
        Robot.from_urdf(path)
    with pytest.raises(fkarm.MJCFError, match=rf"arm\.urdf: .*{opened}"):
        Robot.from_mjcf(path)
    with pack.open(path) as file:
        assert Robot.from_urdf(file).name == "packed"


def test_a_file_in_an_archive_is_read(tmp_path):
    path = tmp_path / "arm.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("arm.urdf", BODY.format("packed"))
    with pytest.raises(fkarm.URDFError, match=r"zipfile\.ZipFile\(path\)\.open\(name\)"):
        Robot.from_urdf(path)
    with zipfile.ZipFile(path) as archive, archive.open("arm.urdf") as file:
        assert Robot.from_urdf(file).name == "packed"


def test_a_file_that_breaks_while_it_is_read_is_refused(tmp_path):
    path = tmp_path / "arm.urdf"
    path.write_bytes(gzip.compress(BODY.format("packed").encode())[:-9])
    with (
        gzip.open(path) as file,
        pytest.raises(fkarm.URDFError, match=r"arm\.urdf: the file must be readable.*ended"),
    ):
        Robot.from_urdf(file)
    path.write_bytes(b"\xff")
    with (
        path.open(encoding="utf-8") as file,
        pytest.raises(fkarm.URDFError, match=r"arm\.urdf: the file must be readable.*decode"),
    ):
        Robot.from_urdf(file)


def test_a_path_may_hold_a_tag(tmp_path):
    path = tmp_path / "<robot>.urdf"
    path.write_text(BODY.format("r"))
    assert Robot.from_urdf(str(path)).name == "r"


def test_comments_with_tags_are_comments():
    comments = "<!-- <!DOCTYPE x> <mujoco> ${x} <robot name='b'> <xacro:arm/> -->"
    given = comments + BODY.format("r").replace("<link", f"{comments}<link") + comments
    for source in (given, f"<?xml version='1.0'?>{given}", given.encode()):
        assert Robot.from_urdf(source).name == "r"


@pytest.mark.parametrize(
    ("given", "tag"),
    [
        ("<a><b/></a>", "a"),
        ("<?xml version='1.0'?><!-- <b> --><?c <d>?><a x='<e>'", ""),
        ("<?xml version='1.0'?><!-- <b> --><?c <d>?><a x='&lt;e>'><", "a"),
        ("<!DOCTYPE b [<!ENTITY c '<d>'>]><a/>", "a"),
        ("no text", ""),
        ("", ""),
    ],
    ids=["nested", "broken in it", "broken behind", "document type", "none", "empty"],
)
def test_the_outermost_tag_is_that_of_the_first_element(given, tag):
    assert outermost_tag(given) == tag
