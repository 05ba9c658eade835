"""What the groups of requests share: waiting for actions, expecting answers, and a record of the methods that were called."""

import functools
import importlib
import inspect
import pkgutil

import hcloud
from hcloud import APIException, Client
from hcloud.core.client import ResourceClientBase
from hcloud.images.domain import Image
from hcloud.locations.domain import Location
from hcloud.server_types.domain import ServerType

FALKENSTEIN = Location(name="fsn1")
DEBIAN = Image(name="debian-13")
SMALL = ServerType(name="cx23")

# Storage boxes are another API, at another address.
OTHER_APIS = ("hcloud.storage_boxes", "hcloud.storage_box_types", "hcloud.exp")


def finished(answer):
    """Waits for every action an answer tells of; gives the answer back."""
    for action in _actions(answer):
        action.wait_until_finished()
        equal((action.status, action.progress), ("success", 100))
    return answer


def _actions(answer):
    if isinstance(answer, list):
        return answer
    if hasattr(answer, "wait_until_finished"):
        return [answer]
    one, many = getattr(answer, "action", None), getattr(answer, "actions", None)
    return [*([one] if one else []), *(many or []), *(getattr(answer, "next_actions", None) or [])]


def equal(seen, wanted):
    assert seen == wanted, f"{seen!r} is not {wanted!r}"


def refused(code, call, *args, **kwargs):
    """The exception of a call that the API refuses with this code."""
    try:
        call(*args, **kwargs)
    except APIException as error:
        equal(error.code, code)
        assert error.message and error.correlation_id, "an error without words, or without an id to ask by"
        return error
    raise AssertionError(f"{call} was not refused with {code}")


def names(found):
    return [one.name for one in found]


def order(client: Client, name: str, **fields):
    """A server of the smallest kind, when it has been made."""
    wanted = {"server_type": SMALL, "image": DEBIAN, "location": FALKENSTEIN, **fields}
    return client.servers.get_by_id(finished(client.servers.create(name=name, **wanted)).server.id)


def lifecycle(group, made, rename="renamed"):
    """What every named and labelled thing can do: be found, listed, renamed, labelled, and tell its actions."""
    old = made.name
    equal(group.get_by_id(made.id).id, made.id)
    equal(group.get_by_name(old).id, made.id)
    equal(group.get_by_name("nothing-has-this-name"), None)
    equal(names(group.get_list(name=old, page=1, per_page=10)[0]), [old])
    changed = group.update(made, name=rename, labels={"team": "web"})
    equal((changed.name, changed.labels), (rename, {"team": "web"}))
    equal(names(group.get_all(label_selector="team=web")), [rename])
    equal(names(group.get_all(label_selector="team!=web,team")), [])
    group.update(made, name=old)
    equal(group.get_by_id(made.id).labels, {"team": "web"})
    if hasattr(group, "get_actions"):
        told_actions(group, made)
    refused("not_found", group.get_by_id, 999999999)


def told_actions(group, made):
    """The actions of a thing, as its own list and among those of its kind."""
    own = group.get_actions(made, sort=["started:desc", "id:desc"])
    ids = [action.id for action in own]
    equal(ids, sorted(ids, reverse=True))
    equal(group.get_actions_list(made, status=["running"], page=1, per_page=50).actions, [])
    of_all = {action.id for action in group.actions.get_all()}
    assert of_all.issuperset(ids), f"{ids} are not among {of_all}"
    for action in own:
        equal(group.actions.get_by_id(action.id).command, action.command)
        # As older clients ask for it; this one has no method for that.
        answer = group._client.request("GET", f"{group._base_url}/{made.id}/actions/{action.id}")
        equal(answer["action"]["command"], action.command)


def record_calls():
    """All methods of all clients; those called from now on land in the second set."""
    known, called = set(), set()
    for module in pkgutil.walk_packages(hcloud.__path__, "hcloud."):
        if not module.name.endswith(".client") or module.name.startswith(OTHER_APIS):
            continue
        for name, kind in inspect.getmembers(importlib.import_module(module.name), inspect.isclass):
            if issubclass(kind, ResourceClientBase) and kind.__module__ == module.name:
                for method, code in list(vars(kind).items()):
                    if inspect.isfunction(code) and not method.startswith("_"):
                        known.add(f"{name}.{method}")
                        setattr(kind, method, _recording(f"{name}.{method}", code, called))
    return known, called


def _recording(name, code, called):
    @functools.wraps(code)
    def call(*args, **kwargs):
        called.add(name)
        return code(*args, **kwargs)

    return call
