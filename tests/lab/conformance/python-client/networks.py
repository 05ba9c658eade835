"""Networks: ranges, subnets, routes, and who is in them with which address."""

from common import FALKENSTEIN, equal, finished, lifecycle, order, refused, told_actions
from hcloud.load_balancer_types.domain import LoadBalancerType
from hcloud.networks.domain import NetworkRoute, NetworkSubnet


def run(client, _folder):
    group = client.networks
    first = NetworkSubnet(type="cloud", network_zone="eu-central", ip_range="10.0.1.0/24")
    second = NetworkSubnet(type="cloud", network_zone="eu-central", ip_range="10.0.2.0/24")
    route = NetworkRoute(destination="10.100.1.0/24", gateway="10.0.1.2")
    network = group.create(name="net", ip_range="10.0.0.0/16", subnets=[first], labels={"a": "b"})
    equal([(one.ip_range, one.gateway) for one in network.subnets], [("10.0.1.0/24", "10.0.0.1")])
    refused("uniqueness_error", group.create, name="net", ip_range="10.1.0.0/16")
    refused("invalid_input", group.create, name="public", ip_range="8.8.8.0/24")
    lifecycle(group, network)
    equal(group.update(network, expose_routes_to_vswitch=True).expose_routes_to_vswitch, True)

    finished(group.add_subnet(network, second))
    finished(group.add_route(network, route))
    found = group.get_by_id(network.id)
    equal([one.ip_range for one in found.subnets], ["10.0.1.0/24", "10.0.2.0/24"])
    equal([(one.destination, one.gateway) for one in found.routes], [("10.100.1.0/24", "10.0.1.2")])
    refused("invalid_input", group.add_subnet, network, first)
    members(client, network)
    finished(group.delete_route(network, route))
    finished(group.delete_subnet(network, second))
    finished(group.change_ip_range(network, "10.0.0.0/8"))
    equal(group.get_by_id(network.id).ip_range, "10.0.0.0/8")
    finished(group.change_protection(network, delete=True))
    refused("protected", group.delete, network)
    finished(group.change_protection(network, delete=False))
    told_actions(group, network)
    with_all = group.create(
        name="all", ip_range="192.168.0.0/16", expose_routes_to_vswitch=False,
        subnets=[NetworkSubnet(type="cloud", network_zone="eu-central", ip_range="192.168.1.0/24")],
        routes=[NetworkRoute(destination="10.200.0.0/16", gateway="192.168.1.2")],
    )
    equal(len(with_all.routes), 1)
    for one in (network, with_all):
        equal(group.delete(one), True)
    equal(group.get_all(), [])


def members(client, network):
    servers, group = client.servers, client.networks
    server = order(client, "web", networks=[network])
    equal([(one.network.id, one.ip) for one in server.private_net], [(network.id, "10.0.1.1")])
    refused("server_already_attached", servers.attach_to_network, server, network)
    finished(servers.change_alias_ips(server, network, ["10.0.1.20"]))
    refused("service_error", group.delete_subnet, network, NetworkSubnet(ip_range="10.0.1.0/24"))
    finished(servers.detach_from_network(server, network))
    finished(servers.attach_to_network(server, network, ip="10.0.2.9", alias_ips=["10.0.2.10"]))
    refused("ip_not_available", servers.attach_to_network, order(client, "two"), network, ip="10.0.2.9")
    two = client.servers.get_by_name("two")
    finished(servers.attach_to_network(two, network, ip_range="10.0.1.0/24"))
    balancer = finished(
        client.load_balancers.create(
            name="lb", load_balancer_type=LoadBalancerType(name="lb11"), location=FALKENSTEIN, network=network
        )
    ).load_balancer

    found = group.get_member_all(network, sort=["ip:desc"])
    equal([one.ip for one in found], ["10.0.2.9", "10.0.1.2", "10.0.1.1"])
    equal((found[0].id, found[0].type, found[0].alias_ips), (server.id, "server", ["10.0.2.10"]))
    equal((found[0].subnet, found[0].status), ("10.0.2.0/24", "ok"))
    equal([one.id for one in group.get_member_all(network, type=["load_balancer"])], [balancer.id])
    in_second = group.get_member_list(network, subnet=["10.0.2.0/24"], status=["ok"], page=1, per_page=10)
    equal(([one.id for one in in_second.members], in_second.meta.pagination.total_entries), ([server.id], 1))
    equal({one.id for one in group.get_by_id(network.id).servers}, {server.id, two.id})
    finished(client.load_balancers.delete(balancer))
    for one in (server, two):
        finished(servers.delete(one))
