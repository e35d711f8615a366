"""Measured radio links: a reference in a scenario, and checked readers.

===========  ==========================================================================
format       file
===========  ==========================================================================
`links`      CSV with the columns link, block, sent, delivered; the blocks of a link are
             0, 1, 2 and so on
`campusiot`  folder with frames.parquet and receptions.parquet made of the CampusIoT
             LoRaWAN data (Donsez, Alphand, Albarel, 10.18709/perscido.2023.06.ds395,
             ODbL 1.0): a link is `device/gateway`, a block is a day of UTC
===========  ==========================================================================

The success of a link in a block is the share of the frames sent that were **delivered**. Of
`campusiot`, those sent are the frames that any gateway has received and those that the counter of
the device misses (a jump of 200 or more is a restart, and nothing is counted).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from twin_gym.errors import ConfigError, TraceError, bad_trace, unknown_name
from twin_gym.scenario.base import FrozenModel
from twin_gym.scenario.parquet import read_columns
from twin_gym.scenario.tables import read_rows
from twin_gym.scenario.traces import Trace

MAX_LINK_BLOCKS = 1_024

_MOST_FRAMES = 1e9
_FEATURE = "reading links stored as Parquet"
_RESTART = 200
_NS_A_DAY = 86_400 * 10**9

LinkName = Annotated[str, Field(strict=True, pattern=r"^[A-Za-z0-9][A-Za-z0-9_./-]{0,63}$")]


class LinkFile(FrozenModel):
    """A reference to measured links: which of them, and which blocks are replayed.

    Attributes:
        path: absolute, or relative to the directory named by TWIN_GYM_DATA.
        format: `links` or `campusiot` (see the module).
        links: their names in the file, in the order in which sensors take them.
        first_block: counted from the first one of each link.
        num_blocks: how many; links times blocks are at most 1,024.
    """

    path: Annotated[str, Field(strict=True, min_length=1, max_length=4096)]
    format: Literal["links", "campusiot"] = "links"
    links: Annotated[tuple[LinkName, ...], Field(min_length=1, max_length=MAX_LINK_BLOCKS)]
    first_block: Annotated[int, Field(strict=True, ge=0, le=10**6)] = 0
    num_blocks: Annotated[int, Field(strict=True, ge=1, le=MAX_LINK_BLOCKS)]

    @model_validator(mode="after")
    def _fits(self) -> LinkFile:
        if len(set(self.links)) < len(self.links):
            raise ConfigError(f"a link is named twice, got {', '.join(self.links)}: remove one")
        if len(self.links) * self.num_blocks > MAX_LINK_BLOCKS:
            raise ConfigError(
                f"{len(self.links)} links of {self.num_blocks} blocks are more than "
                f"{MAX_LINK_BLOCKS} values: name fewer links or take fewer blocks"
            )
        return self

    def locate(self) -> Path:
        """The file, or the folder.

        Raises:
            TraceError: if it is not there, with what to set.
        """
        inner = "/frames.parquet" if self.format == "campusiot" else ""
        path = Trace(path=self.path + inner, last_s=1.0).locate()
        return path.parent if inner else path


class Count(NamedTuple):
    """Frames of a link in a block.

    Attributes:
        line: where they stand; 0 where they were counted.
        link: its name.
        block: its number.
        sent: at least one.
        delivered: at most as many.
    """

    line: int
    link: str
    block: int
    sent: int
    delivered: int


def load_links(file: LinkFile) -> NDArray[np.float64]:
    """The success probability of each link in each block.

    Args:
        file: path, format, links and blocks.

    Returns:
        Shape (links, blocks), in [0, 1].

    Raises:
        TraceError: if the file is not there or breaks its format (with the line), a link is
            unknown, or has a gap or too few blocks.
        MissingExtraError: if the file is Parquet and pyarrow is not installed.
    """
    path = file.locate()
    counts = _from_csv(path) if file.format == "links" else _from_parquet(path, file.links)
    by_link: dict[str, list[float]] = {}
    for one in counts:
        shares = by_link.setdefault(one.link, [])
        if one.block != len(shares):
            problem = f"the blocks of {one.link!r} must be 0, 1, 2 and so on without a gap: "
            problem += f"{len(shares)} should follow, got {one.block}"
            raise (
                bad_trace(path, one.line, problem) if one.line else TraceError(f"{path}: {problem}")
            )
        shares.append(one.delivered / one.sent)
    end = file.first_block + file.num_blocks
    for link in file.links:
        if link not in by_link:
            raise TraceError(f"{path}: {unknown_name('link', link, by_link)}")
        if len(by_link[link]) < end:
            raise TraceError(
                f"{path}: {link!r} has {len(by_link[link])} blocks and {end} are asked for: "
                "take fewer"
            )
    return np.array([by_link[link][file.first_block : end] for link in file.links])


def _from_csv(path: Path) -> Iterator[Count]:
    for row in read_rows(path, ("link", "block", "sent", "delivered")):
        block, sent, delivered = (
            row.number(name, low=low, high=_MOST_FRAMES)
            for name, low in (("block", 0.0), ("sent", 1.0), ("delivered", 0.0))
        )
        for name, value in (("block", block), ("sent", sent), ("delivered", delivered)):
            if value != round(value):
                raise row.error(
                    f"`{name}` is a count, got {value:g}: give whole numbers, no shares"
                )
        if delivered > sent:
            raise row.error(f"{delivered:g} frames were delivered of {sent:g} that were sent")
        yield Count(row.line, row.text("link"), int(block), int(sent), int(delivered))


def _from_parquet(folder: Path, links: tuple[str, ...]) -> Iterator[Count]:
    """The frames of each link by day, from a device's first day on; days without any are left out.

    They are gaps, which `load_links` refuses.
    """
    frames = read_columns(
        folder / "frames.parquet", ["frame_id", "dev", "time", "lost_before"], _FEATURE
    )
    heard = read_columns(folder / "receptions.parquet", ["frame_id", "gw_id"], _FEATURE)
    devices = np.array([str(name) for name in frames["dev"]])
    days = frames["time"].astype("datetime64[ns]").astype(np.int64) // _NS_A_DAY
    lost = np.nan_to_num(frames["lost_before"].astype(np.float64))
    sent = 1.0 + np.where(lost < _RESTART, lost, 0.0)
    for link in links:
        device, _, gateway = link.rpartition("/")
        mine = devices == device
        if not mine.any() or not gateway.isdigit():
            known = [f"{one}/0" for one in np.unique(devices)]
            raise TraceError(f"{folder}: {unknown_name('link', link, known)}")
        first = int(days[mine].min())
        total = np.bincount(days[mine] - first, sent[mine])
        ids = heard["frame_id"][heard["gw_id"] == int(gateway)]
        got = mine & np.isin(frames["frame_id"], ids)
        delivered = np.bincount(days[got] - first, minlength=len(total))
        for block in np.flatnonzero(total).tolist():
            yield Count(0, link, block, int(total[block]), int(delivered[block]))
