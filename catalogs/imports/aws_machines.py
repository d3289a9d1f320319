"""Which machine a row of an AWS price list is for, and which rows are for none.

Rows come as cells: texts by plain column name, that is lower-case letters and digits only, so
that ``Instance Type``, ``instance_type`` and ``instanceType`` are one column.
"""

import re
from collections.abc import Mapping
from contextlib import suppress
from functools import lru_cache

from catalogs import aws
from catalogs.faults import shown
from catalogs.imports.aws_locations import region_of
from catalogs.imports.gathering import Machine
from catalogs.imports.report import RefusedRow
from catalogs.offers import InstanceType

Cells = Mapping[str, str]

_NAME = re.compile(r"[a-z0-9-]{1,40}(\.[a-z0-9-]{1,40})?")
"""Such as ``m5.large``, ``u-6tb1.112xlarge``, or ``m5`` of a dedicated host."""

_MOST_UNITS = 10**6
_MACHINE_FAMILIES = ("", "Compute Instance", "Compute Instance (bare metal)", "Dedicated Host")
_NOTHING = ("", "NA")
_SYSTEMS = {"Linux": "linux", "Windows": "windows", "RHEL": "rhel", "SUSE": "suse"}
_TENANCIES = {"Shared": "shared", "Dedicated": "dedicated", "Host": "host"}

_SYSTEM_OF_OPERATION = {
    "RunInstances": "linux",
    "RunInstances:0002": "windows",
    "RunInstances:0010": "rhel",
    "RunInstances:000g": "suse",
}
"""EC2 user guide, "AMI billing information fields"; every other code has software or a licence."""

_TENANCY_OF_USAGE = {"BoxUsage": "shared", "DedicatedUsage": "dedicated", "HostUsage": "host"}
"""Of usage types such as ``EU-BoxUsage:c5.xlarge``; other words price reserved capacity."""


@lru_cache(maxsize=1024)
def plain(column: str) -> str:
    """A column's name as `Cells` hold it."""
    return re.sub(r"[^a-z0-9]", "", column.lower())


def plain_cells(row: object) -> dict[str, str]:
    """An item of a document as cells; nested values are left out.

    Raises:
        RefusedRow: the item is no object.
    """
    if not isinstance(row, dict):
        raise RefusedRow("is no object", shown(row))
    return {
        plain(str(key)): "" if value is None else str(value)
        for key, value in row.items()
        if not isinstance(value, dict | list)
    }


def machine_of(cells: Cells) -> Machine:
    """The machine a product is.

    Raises:
        RefusedRow: it is none, or is one with reserved capacity, software or licence beside it.
    """
    family = cells.get("productfamily", "")
    if family not in _MACHINE_FAMILIES:
        raise RefusedRow("is no machine", family)
    name = cells.get("instancetype", "")
    if _NAME.fullmatch(name) is None:
        raise RefusedRow("instance type is missing, or no name of one", shown(name))
    _check_capacity(cells, family)
    _check_software(cells)
    region = region_of(cells.get("regioncode", ""), cells.get("location", ""))
    if region is None:
        place = cells.get("regioncode") or cells.get("location", "")
        raise RefusedRow("region is unknown", shown(place))
    if family == "Dedicated Host":
        return Machine(name, region, "linux", "host")
    machine = Machine(name, region, _system(cells), _tenancy(cells))
    if machine.tenancy == "host":
        raise RefusedRow("runs on a dedicated host, which is priced itself", name)
    return machine


def _check_capacity(cells: Cells, family: str) -> None:
    status = cells.get("capacitystatus", "")
    used = ("", "Used", "AllocatedHost") if family == "Dedicated Host" else ("", "Used")
    if status not in used:
        raise RefusedRow("prices reserved capacity, not use", status)


def _check_software(cells: Cells) -> None:
    licence, software = cells.get("licensemodel", ""), cells.get("preinstalledsw", "")
    if licence == "Bring your own license":
        raise RefusedRow("bring your own licence", cells["instancetype"])
    if software not in _NOTHING:
        raise RefusedRow("pre-installed software", software)


def _system(cells: Cells) -> str:
    written = cells.get("operatingsystem", "")
    if written not in _SYSTEMS:
        raise RefusedRow("operating system is none of linux, windows, rhel, suse", shown(written))
    operation = cells.get("operation", "")
    if operation and system_of(operation) != _SYSTEMS[written]:
        raise RefusedRow("operating system and operation disagree", f"{written}, {operation}")
    return _SYSTEMS[written]


def system_of(operation: str) -> str:
    """The operating system billed by an operation code such as ``RunInstances:0002``.

    Raises:
        RefusedRow: more than the system is billed by it.
    """
    if operation not in _SYSTEM_OF_OPERATION:
        raise RefusedRow("operation bills software or a licence too", shown(operation))
    return _SYSTEM_OF_OPERATION[operation]


def _tenancy(cells: Cells) -> str:
    written = cells.get("tenancy", "")
    if not written and cells.get("usagetype"):
        return tenancy_of(cells["usagetype"])
    if written not in _TENANCIES:
        raise RefusedRow("tenancy is none of shared, dedicated, host", shown(written))
    return _TENANCIES[written]


def tenancy_of(usage_type: str) -> str:
    """The tenancy of a usage type such as ``EU-BoxUsage:c5.xlarge``.

    Raises:
        RefusedRow: it is no use of machines, such as capacity reserved but unused.
    """
    word = usage_type.partition(":")[0].rpartition("-")[2]
    if word not in _TENANCY_OF_USAGE:
        raise RefusedRow("usage type is no use of a machine", shown(usage_type))
    return _TENANCY_OF_USAGE[word]


def described(name: str, cells: Cells) -> InstanceType:
    """The machine as a price list describes it; what it does not tell stays unknown."""
    family, _, size = name.partition(".")
    units = aws.normalization_factor(family, size)
    if units is not None and not 0 < units <= _MOST_UNITS:
        units = None
    return InstanceType(
        name=name,
        provider="aws",
        vcpus=_number(cells.get("vcpu", "")),
        memory_gib=_number(cells.get("memory", "").removesuffix("GiB")),
        gpus=_number(cells.get("gpu", "")) or 0,
        bare_metal=size.startswith("metal"),
        current_generation=cells.get("currentgeneration", "Yes") != "No",
        normalized_units=units,
        size_flexible=aws.is_size_flexible(family, units),
    )


def _number(text: str) -> float | None:
    with suppress(ValueError):
        number = float(text.replace(",", "").strip())
        return number if 0 < number < float("inf") else None
    return None
