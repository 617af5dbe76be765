"""Account settings: put, put the default, list, delete. They have no effect on other operations."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ecskit._simulator.errors import invalid
from ecskit._simulator.pagination import paginate

if TYPE_CHECKING:
    from ecskit._simulator.account import Account
    from ecskit._simulator.wire import Wire

# Name -> the allowed values; the first is the default.
_VALUES: dict[str, tuple[str, ...]] = {
    "awsvpcTrunking": ("disabled", "enabled"),
    "containerInsights": ("disabled", "enabled", "enhanced"),
    "containerInstanceLongArnFormat": ("enabled", "disabled"),
    "defaultLogDriverMode": ("non-blocking", "blocking"),
    "fargateEventWindows": ("disabled", "enabled"),
    "fargateFIPSMode": ("disabled", "enabled"),
    "fargateTaskRetirementWaitPeriod": ("7", "0", "14"),
    "guardDutyActivate": ("off", "on"),
    "serviceLongArnFormat": ("enabled", "disabled"),
    "tagResourceAuthorization": ("on", "off"),
    "taskLongArnFormat": ("enabled", "disabled"),
}
_AWS_MANAGED = "guardDutyActivate"


def _put(account: Account, request: Wire) -> Wire:
    return _set(account, request, request.get("principalArn", _caller(account)))


def _put_default(account: Account, request: Wire) -> Wire:
    return _set(account, request, _root(account))


def _set(account: Account, request: Wire, principal: str) -> Wire:
    name, value = request["name"], request["value"]
    if name == _AWS_MANAGED:
        raise invalid(f"{name} is managed by AWS and cannot be set.")
    if value not in _VALUES[name]:
        raise invalid(f"{name} must be one of {', '.join(_VALUES[name])}, not {value}.")
    account.account_settings[name, principal] = value
    return {"setting": _show(name, value, principal)}


def _list(account: Account, request: Wire) -> Wire:
    principal = request.get("principalArn", _caller(account))
    if request.get("effectiveSettings"):
        settings = [_effective(account, name, principal) for name in _VALUES]
    else:
        settings = [
            _show(name, value, owner)
            for (name, owner), value in account.account_settings.items()
            if owner == request.get("principalArn", owner)
        ]
    if "value" in request and "name" not in request:
        raise invalid("A value needs a name.")
    rows = [
        (f"{setting['name']}\0{setting['principalArn']}", setting)
        for setting in settings
        if all(request.get(member, setting[member]) == setting[member] for member in ("name", "value"))
    ]
    page, more = paginate("ListAccountSettings", request, rows, default=10, maximum=10)
    return {"settings": page, **more}


def _delete(account: Account, request: Wire) -> Wire:
    name, principal = request["name"], request.get("principalArn", _caller(account))
    value = account.account_settings.pop((name, principal), None)
    if value is None:
        raise invalid(f"The account setting {name} is not set for {principal}.")
    return {"setting": _show(name, value, principal)}


def _effective(account: Account, name: str, principal: str) -> Wire:
    for owner in (principal, _root(account)):
        if (name, owner) in account.account_settings:
            return _show(name, account.account_settings[name, owner], principal)
    return _show(name, _VALUES[name][0], principal)


def _caller(account: Account) -> str:
    return account.arns.iam("user/simulator")


def _root(account: Account) -> str:
    return account.arns.iam("root")


def _show(name: str, value: str, principal: str) -> Wire:
    setting_type = "aws_managed" if name == _AWS_MANAGED else "user"
    return {"name": name, "value": value, "principalArn": principal, "type": setting_type}


OPERATIONS = {
    "PutAccountSetting": _put,
    "PutAccountSettingDefault": _put_default,
    "ListAccountSettings": _list,
    "DeleteAccountSetting": _delete,
}
