"""Setting the lab's server up as the operator's own is, from a survey of it."""

from __future__ import annotations

import sqlalchemy

from osupgrade.catalog.survey import Survey
from osupgrade.lab.database import DatabaseServer
from osupgrade.lab.time_zones import NAME, load_time_zones

_AT_START = ("lower_case_table_names", "explicit_defaults_for_timestamp")
"""What a server reads when it starts, and then no more."""
_GLOBAL = (
    "default_storage_engine",
    "character_set_server",
    "collation_server",
    "innodb_file_format",
    "innodb_file_per_table",
    "innodb_large_prefix",
    "innodb_default_row_format",
    "innodb_strict_mode",
    "sql_mode",
    "time_zone",
)
_SWITCH = {"ON": "1", "OFF": "0"}
_UNKNOWN_VARIABLE, _READ_ONLY_VARIABLE = 1193, 1238


def start_options(survey: Survey) -> tuple[str, ...]:
    """The options with which the lab's server must start. One that it does not know it passes over (``loose``)."""
    return tuple(
        f"--loose-{name.replace('_', '-')}={_SWITCH.get(value.upper(), value)}"
        for name in _AT_START
        if (value := survey.variables.get(name, "")).upper() in ("0", "1", "2", "ON", "OFF")
    )


def set_up(server: DatabaseServer, survey: Survey) -> tuple[str, ...]:
    """Give the lab's running server the settings of the operator's; what could not be set, each in one sentence."""
    left: list[str] = []
    load_time_zones(server, [zone for zone in (survey.variables.get("time_zone", ""),) if NAME.fullmatch(zone)])
    for name in _GLOBAL:
        value = survey.variables.get(name)
        if value is None or value.upper() == "SYSTEM":
            continue
        for tried in dict.fromkeys((value, _known_modes(server, value) if name == "sql_mode" else value)):
            refusal = _set(server, name, tried)
            if refusal is None:
                break
        if refusal:
            left.append(f"{name} = {value[:200]} is not set on the lab's server: {refusal}")
        elif tried != value:
            left.append(f"sql_mode is set without what the lab's server does not know: {tried}, not {value[:200]}")
    for name in _AT_START:
        wanted = _SWITCH.get(survey.variables.get(name, "").upper(), survey.variables.get(name, ""))
        found = server.rows("", "SHOW GLOBAL VARIABLES LIKE %s", (name,))
        if wanted and found and _SWITCH.get(str(found[0][1]).upper(), str(found[0][1])) != wanted:
            left.append(f"{name} is {found[0][1]} on the lab's server and {wanted[:20]} on the surveyed one")
    if survey.variables.get("time_zone", "").upper() == "SYSTEM" and _zone(survey) not in ("", "UTC", "GMT"):
        left.append(f"the time zone is UTC on the lab's server and {_zone(survey)[:60]} on the surveyed one")
    # Connections that were opened before keep their session's own settings.
    server.engine.dispose()
    return tuple(left)


def _zone(survey: Survey) -> str:
    return survey.variables.get("system_time_zone", "")


def _set(server: DatabaseServer, name: str, value: str) -> str | None:
    """Set a global variable; why not, None when it is set or when this server has none of that name."""
    try:
        server.execute("", f"SET GLOBAL {name} = %s", (_SWITCH.get(value.upper(), value),))
    except sqlalchemy.exc.DBAPIError as refusal:
        said = getattr(refusal, "orig", None)
        code, text = said.args[:2] if said is not None and len(said.args) > 1 else (0, str(refusal))
        return None if code == _UNKNOWN_VARIABLE else str(text)
    return None


def _known_modes(server: DatabaseServer, value: str) -> str:
    """Those of the modes that the server takes."""
    return ",".join(mode for mode in value.split(",") if mode and _set(server, "sql_mode", mode) is None)
