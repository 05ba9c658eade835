"""Firewalls: rules, and the servers they are applied to by id and by label."""

from common import equal, finished, lifecycle, names, order, refused, told_actions
from hcloud.firewalls.domain import FirewallResource, FirewallResourceLabelSelector, FirewallRule

SSH = FirewallRule(direction="in", protocol="tcp", port="22", source_ips=["0.0.0.0/0", "::/0"], description="ssh")
PING = FirewallRule(direction="out", protocol="icmp", source_ips=[], destination_ips=["0.0.0.0/0"])


def rules(firewall):
    return [(one.direction, one.protocol, one.port, one.description) for one in firewall.rules]


def run(client, _folder):
    group = client.firewalls
    server = order(client, "web", labels={"role": "web"})
    to_server = FirewallResource(type="server", server=server)
    to_label = FirewallResource(type="label_selector", label_selector=FirewallResourceLabelSelector(selector="role=web"))

    firewall = finished(group.create(name="fw", rules=[SSH], labels={"a": "b"})).firewall
    equal(rules(firewall), [("in", "tcp", "22", "ssh")])
    lifecycle(group, firewall)
    finished(group.set_rules(firewall, [SSH, PING]))
    equal(rules(group.get_by_id(firewall.id)), [("in", "tcp", "22", "ssh"), ("out", "icmp", None, None)])
    finished(group.apply_to_resources(firewall, [to_server]))
    equal([(one.type, one.server.id) for one in group.get_by_id(firewall.id).applied_to], [("server", server.id)])
    bound = client.servers.get_by_id(server.id).public_net.firewalls
    equal([(one.firewall.id, one.status) for one in bound], [(firewall.id, "applied")])
    refused("firewall_already_applied", group.apply_to_resources, firewall, [to_server])
    refused("resource_in_use", group.delete, firewall)
    finished(group.remove_from_resources(firewall, [to_server]))

    finished(group.apply_to_resources(firewall, [to_label]))
    applied = group.get_by_id(firewall.id).applied_to[0]
    equal((applied.type, applied.label_selector.selector), ("label_selector", "role=web"))
    equal([one.server.id for one in applied.applied_to_resources], [server.id])
    refused("firewall_managed_by_label_selector", group.remove_from_resources, firewall, [to_server])
    finished(group.remove_from_resources(firewall, [to_label]))
    finished(group.set_rules(firewall, []))
    equal(group.get_by_id(firewall.id).rules, [])

    told_actions(group, firewall)

    at_once = finished(group.create(name="at-once", rules=[PING], resources=[to_server])).firewall
    equal(names(group.get_all(sort=["name:desc"])), ["fw", "at-once"])
    equal(names(group.get_list(sort=["name:asc"], page=2, per_page=1)[0]), ["fw"])
    refused("invalid_input", group.set_rules, firewall, [FirewallRule(direction="in", protocol="tcp", source_ips=[])])
    new = order(client, "new", firewalls=[firewall])
    for one in (server, new):
        finished(client.servers.delete(one))
    for one in (firewall, at_once):
        equal(group.delete(one), True)
