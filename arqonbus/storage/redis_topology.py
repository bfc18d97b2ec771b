"""Topology: where the primaries are. Asked of Sentinels, or of any node of a cluster; by a wire for each question."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

from arqonbus.errors import StorageError
from arqonbus.storage.redis_address import Address, Where
from arqonbus.storage.redis_keys import PARTITIONS, slot_of
from arqonbus.storage.redis_wire import Wire

__all__ = ["ask_cluster", "ask_sentinels", "owners_of"]


async def ask_sentinels(address: Address, timeout_s: float) -> Where:
    """Give the primary that the first Sentinel who answers knows of.

    Raises:
        StorageError: none answers, or none knows it.
    """
    reason = ""
    for where in address.hosts:
        try:
            found = await _ask(
                address, where, timeout_s, ("SENTINEL", "GET-MASTER-ADDR-BY-NAME", address.service), sentinel=True
            )
        except StorageError as error:
            reason = str(error)
            continue
        if found is not None:
            return found[0].decode(), int(found[1])
        reason = f"a Sentinel knows no primary of the name {address.service[:64]}"
    raise StorageError(f"expected a Sentinel that answers: {reason}")


async def ask_cluster(address: Address, seeds: Iterable[Where], timeout_s: float) -> list[Where | None]:
    """Give the primary of each partition, None where no one serves its slot.

    Args:
        address: for the credentials.
        seeds: nodes to ask, one after the other, until one answers.
        timeout_s: for each.

    Raises:
        StorageError: none answers.
    """
    reason = "nobody to ask"
    for where in seeds:
        try:
            slots = await _ask(address, where, timeout_s, ("CLUSTER", "SLOTS"))
        except StorageError as error:
            reason = str(error)
            continue
        return owners_of(slots, where[0])
    raise StorageError(f"expected a node of the cluster that answers: {reason}")


def owners_of(slots: list[Any], asked: str) -> list[Where | None]:
    """Read an answer of CLUSTER SLOTS: the primary of each partition.

    Args:
        slots: first slot, last slot, primary, copies, of each range.
        asked: the host that was asked; a node that does not know its own name means that one.
    """
    owners: list[Where | None] = [None] * PARTITIONS
    for first, last, primary, *_ in slots:
        where = ((primary[0] or b"").decode() or asked, int(primary[1]))
        for partition in range(PARTITIONS):
            if first <= slot_of(partition) <= last:
                owners[partition] = where
    return owners


async def _ask(
    address: Address, where: Where, timeout_s: float, question: tuple[str, ...], *, sentinel: bool = False
) -> Any:
    wire = Wire(address.connection(where, sentinel=sentinel), timeout_s, lambda reason: None)
    try:
        await wire.open()
        async with asyncio.timeout(timeout_s):
            return await wire.request(*question)
    except TimeoutError as error:
        raise StorageError(f"expected an answer within {timeout_s} s") from error
    finally:
        wire.close()
