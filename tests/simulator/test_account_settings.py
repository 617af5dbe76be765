from __future__ import annotations

from .support import World

ROOT = "arn:aws:iam::123456789012:root"
CALLER = "arn:aws:iam::123456789012:user/simulator"
ADA = "arn:aws:iam::123456789012:user/ada"


def effective(world: World, **members: str) -> str:
    """Return the value of containerInsights that is in force."""
    answer = world.do("ListAccountSettings", name="containerInsights", effectiveSettings=True, **members)
    (setting,) = answer["settings"]
    value: str = setting["value"]
    return value


def test_a_setting_is_the_callers(world: World) -> None:
    """PutAccountSetting sets a value for the caller, or for the named principal."""
    setting = world.do("PutAccountSetting", name="containerInsights", value="enabled")["setting"]
    assert setting == {"name": "containerInsights", "value": "enabled", "principalArn": CALLER, "type": "user"}
    assert (effective(world), effective(world, principalArn=ADA)) == ("enabled", "disabled")


def test_defaults_are_for_all_others(world: World) -> None:
    """A principal's own setting wins over the account's default, which wins over the built-in one."""
    world.do("PutAccountSettingDefault", name="containerInsights", value="enhanced")
    world.do("PutAccountSetting", name="containerInsights", value="enabled", principalArn=ADA)
    assert (effective(world), effective(world, principalArn=ADA)) == ("enhanced", "enabled")
    world.do("DeleteAccountSetting", name="containerInsights", principalArn=ADA)
    assert effective(world, principalArn=ADA) == "enhanced"


def test_plain_lists_show_what_was_set(world: World) -> None:
    """Without effectiveSettings, only explicit settings are listed."""
    assert world.do("ListAccountSettings")["settings"] == []
    world.do("PutAccountSettingDefault", name="awsvpcTrunking", value="enabled")
    world.do("PutAccountSetting", name="taskLongArnFormat", value="disabled")
    settings = world.do("ListAccountSettings")["settings"]
    assert [(setting["name"], setting["principalArn"]) for setting in settings] == [
        ("awsvpcTrunking", ROOT),
        ("taskLongArnFormat", CALLER),
    ]


def test_lists_have_pages_of_ten(world: World) -> None:
    """A page of settings has at most ten."""
    first = world.do("ListAccountSettings", effectiveSettings=True)
    second = world.do("ListAccountSettings", effectiveSettings=True, nextToken=first["nextToken"])
    assert (len(first["settings"]), len(second["settings"])) == (10, 1)
    assert world.refusal("ListAccountSettings", maxResults=11).code == "InvalidParameterException"


def test_refusals(world: World) -> None:
    """Unknown names and values, settings that AWS manages, and unset ones are refused."""
    for operation, members in (
        ("PutAccountSetting", {"name": "nope", "value": "on"}),
        ("PutAccountSetting", {"name": "awsvpcTrunking", "value": "nope"}),
        ("PutAccountSettingDefault", {"name": "guardDutyActivate", "value": "on"}),
        ("DeleteAccountSetting", {"name": "awsvpcTrunking"}),
        ("ListAccountSettings", {"value": "enabled"}),
    ):
        assert (operation, world.refusal(operation, **members).code) == (operation, "InvalidParameterException")
