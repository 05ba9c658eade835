"""Load balancers with services, targets and networks, and the certificates they serve."""

from datetime import datetime, timedelta, timezone
from pathlib import Path

from common import FALKENSTEIN, equal, finished, lifecycle, order, refused, told_actions
from hcloud.load_balancer_types.domain import LoadBalancerType
from hcloud.load_balancers.domain import (
    LoadBalancerAlgorithm,
    LoadBalancerHealthCheck,
    LoadBalancerHealthCheckHttp,
    LoadBalancerService,
    LoadBalancerServiceHttp,
    LoadBalancerTarget,
    LoadBalancerTargetIP,
    LoadBalancerTargetLabelSelector,
)
from hcloud.networks.domain import NetworkSubnet

CHECK = LoadBalancerHealthCheck(
    protocol="http", port=8080, interval=15, timeout=10, retries=3,
    http=LoadBalancerHealthCheckHttp(domain="example.org", path="/healthz", status_codes=["2??"], tls=False),
)


def run(client, folder):
    certificate = certificates(client, folder)
    balancers(client, certificate)
    client.certificates.delete(certificate)
    equal((client.load_balancers.get_all(), client.certificates.get_all()), ([], []))


def certificates(client, folder):
    group = client.certificates
    pem, key = Path(folder, "tls.pem").read_text(), Path(folder, "tls.key").read_text()
    uploaded = group.create(name="tls", certificate=pem, private_key=key, labels={"a": "b"})
    equal((uploaded.type, uploaded.domain_names), ("uploaded", ["example.org"]))
    equal(len(uploaded.fingerprint), 95)
    lifecycle(group, uploaded)
    refused("invalid_input", group.create, name="bad", certificate="none", private_key=key)

    client.zones.create(name="example.com", mode="primary")
    managed = finished(group.create_managed(name="managed", domain_names=["example.com", "www.example.com"]))
    found = group.get_by_id(managed.certificate.id)
    equal((found.type, found.status.issuance, found.status.error), ("managed", "completed", None))
    refused("unsupported_error", group.retry_issuance, uploaded)
    told_actions(group, found)
    group.delete(found)
    return uploaded


def balancers(client, certificate):
    group = client.load_balancers
    small = LoadBalancerType(name="lb11")
    subnet = NetworkSubnet(type="cloud", network_zone="eu-central", ip_range="10.0.1.0/24")
    network = client.networks.create(name="net", ip_range="10.0.0.0/16", subnets=[subnet])
    server = order(client, "web", networks=[network], labels={"role": "web"})
    plain = LoadBalancerService(protocol="http", listen_port=80, destination_port=8080, health_check=CHECK)
    by_server = LoadBalancerTarget(type="server", server=server)
    lb = finished(
        group.create(
            name="lb", load_balancer_type=small, location=FALKENSTEIN, labels={"a": "b"},
            algorithm=LoadBalancerAlgorithm(type="round_robin"), services=[plain], targets=[by_server],
        )
    ).load_balancer
    lb = group.get_by_id(lb.id)
    equal((lb.public_net.enabled, lb.algorithm.type, lb.services[0].health_check.http.path), (True, "round_robin", "/healthz"))
    equal([(one.server.id, one.health_status[0].listen_port) for one in lb.targets], [(server.id, 80)])
    lifecycle(group, lb)

    secure = LoadBalancerService(
        protocol="https", listen_port=443, destination_port=8080, health_check=CHECK, proxyprotocol=False,
        http=LoadBalancerServiceHttp(
            certificates=[certificate], redirect_http=False, sticky_sessions=True, cookie_name="STICK",
            cookie_lifetime=60, timeout_idle=60,
        ),
    )
    finished(group.add_service(lb, secure))
    served = group.get_by_id(lb.id).services[1]
    equal((served.http.cookie_name, served.http.timeout_idle), ("STICK", 60))
    equal([one.id for one in served.http.certificates], [certificate.id])
    refused("source_port_already_used", group.add_service, lb, secure)
    refused("resource_in_use", client.certificates.delete, certificate)
    finished(group.update_service(lb, LoadBalancerService(listen_port=80, destination_port=9090)))
    equal(group.get_by_id(lb.id).services[0].destination_port, 9090)
    finished(group.delete_service(lb, LoadBalancerService(listen_port=443)))
    targets(client, lb, by_server, network)

    finished(group.change_algorithm(lb, LoadBalancerAlgorithm(type="least_connections")))
    finished(group.change_type(lb, LoadBalancerType(name="lb21")))
    finished(group.change_dns_ptr(lb, lb.public_net.ipv4.ip, "lb.example.org"))
    changed = group.get_by_id(lb.id)
    equal((changed.algorithm.type, changed.load_balancer_type.name), ("least_connections", "lb21"))
    equal(changed.public_net.ipv4.dns_ptr, "lb.example.org")
    now = datetime.now(timezone.utc)
    series = group.get_metrics(lb, ["open_connections", "bandwidth"], now - timedelta(hours=1), now, step=60)
    equal("open_connections" in series.metrics.time_series, True)
    finished(group.change_protection(lb, delete=True))
    refused("protected", group.delete, lb)
    finished(group.change_protection(lb, delete=False))
    finished(group.delete(lb))

    inside = {"network_zone": "eu-central", "public_interface": False}
    refused("load_balancer_not_attached_to_network", group.create, name="in", load_balancer_type=small, **inside)
    zoned = finished(group.create(name="in", load_balancer_type=small, network=network, **inside))
    equal(group.get_by_id(zoned.load_balancer.id).public_net.enabled, False)
    finished(group.delete(zoned.load_balancer))


def targets(client, lb, by_server, network):
    group = client.load_balancers
    by_label = LoadBalancerTarget(
        type="label_selector", label_selector=LoadBalancerTargetLabelSelector(selector="role=web"), use_private_ip=False
    )
    by_ip = LoadBalancerTarget(type="ip", ip=LoadBalancerTargetIP(ip="203.0.113.1"))
    refused("target_already_defined", group.add_target, lb, by_server)
    refused("ip_not_owned", group.add_target, lb, by_ip)
    finished(group.remove_target(lb, by_server))
    finished(group.add_target(lb, by_label))
    expanded = group.get_by_id(lb.id).targets[0]
    equal([one.server.id for one in expanded.targets], [by_server.server.id])
    finished(group.remove_target(lb, by_label))

    private = LoadBalancerTarget(type="server", server=by_server.server, use_private_ip=True)
    refused("load_balancer_not_attached_to_network", group.add_target, lb, private)
    finished(group.attach_to_network(lb, network, ip="10.0.1.100"))
    equal([(one.network.id, one.ip) for one in group.get_by_id(lb.id).private_net], [(network.id, "10.0.1.100")])
    finished(group.add_target(lb, private))
    finished(group.disable_public_interface(lb))
    equal(group.get_by_id(lb.id).public_net.enabled, False)
    finished(group.enable_public_interface(lb))
    finished(group.remove_target(lb, private))
    finished(group.detach_from_network(lb, network))
