"""What is only read, lists of many pages, and what is refused to everyone."""

from common import equal, names, refused
from hcloud import Client


def run(client, folder):
    catalogue(client)
    pages(client)
    equal(client.request("GET", "/pricing")["pricing"]["currency"], "EUR")
    stranger = Client(token="wrong", api_endpoint=client._client._endpoint)
    equal(refused("unauthorized", stranger.servers.get_all).message, "the token you have provided is invalid")
    refused("not_found", client.request, "GET", "/no_such_route")
    refused("method_not_allowed", client.request, "DELETE", "/servers")
    refused("json_error", client.request, "POST", "/servers", data="{")


def catalogue(client):
    for group, known, page in (
        (client.locations, "fsn1", {"page": 1, "per_page": 2}),
        (client.server_types, "cx23", {"page": 1, "per_page": 2}),
        (client.load_balancer_types, "lb11", {"page": 1, "per_page": 2}),
        (client.isos, "hcloud-v1-11-2-amd64.iso", {"page": 1, "per_page": 1}),
    ):
        one = group.get_by_name(known)
        equal((one.name, group.get_by_id(one.id).id), (known, one.id))
        equal(group.get_by_name("nothing-has-this-name"), None)
        equal(names(group.get_list(name=known)[0]), [known])
        equal(len(group.get_list(**page)[0]), page["per_page"])
        all_of_them = group.get_all()
        equal(len({entry.id for entry in all_of_them}), len(all_of_them))
        refused("not_found", group.get_by_id, 999999999)
    small = client.server_types.get_by_name("cx23")
    equal((small.cores, small.memory, small.disk, small.architecture), (2, 4.0, 40, "x86"))
    equal("fsn1" in [one.location.name for one in small.locations if one.available], True)
    equal(client.isos.get_all(architecture=["x86"], include_architecture_wildcard=True) != [], True)
    # Gone since October 2026.
    for asked in (client.datacenters.get_all, client.datacenters.get_list):
        refused("deprecated_api_endpoint", asked)
    refused("deprecated_api_endpoint", client.datacenters.get_by_name, "fsn1-dc14")
    refused("deprecated_api_endpoint", client.datacenters.get_by_id, 4)


def pages(client):
    wanted = [f"group-{number:03}" for number in range(60)]
    actions = [client.placement_groups.create(name=name, type="spread").action for name in wanted]
    equal(sorted(names(client.placement_groups.get_all())), wanted)
    equal(names(client.placement_groups.get_all(sort=["name:desc"])), wanted[::-1])
    first = client.placement_groups.get_list()
    equal((len(first.placement_groups), first.meta.pagination.next_page), (25, 2))
    last = client.placement_groups.get_list(page=3)
    equal((len(last.placement_groups), last.meta.pagination.next_page), (10, None))
    equal(last.meta.pagination.total_entries, 60)
    equal(client.placement_groups.get_list(page=9).placement_groups, [])
    refused("invalid_input", client.placement_groups.get_list, sort=["type"])
    refused("invalid_input", client.placement_groups.get_list, label_selector="a in")
    equal([action for action in actions if action], [])
    # An action is asked for by its id since 2025.
    refused("invalid_input", client.actions.get_all)
    refused("invalid_input", client.actions.get_list)
    refused("not_found", client.actions.get_by_id, 999999999)
