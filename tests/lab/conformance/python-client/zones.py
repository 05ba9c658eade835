"""DNS: zones, zone files, record sets and their records."""

from common import equal, finished, names, refused, told_actions
from hcloud.zones.domain import Zone, ZonePrimaryNameserver, ZoneRecord, ZoneRRSet


def run(client, _folder):
    group = client.zones
    www = ZoneRRSet(name="www", type="A", ttl=300, records=[ZoneRecord(value="192.0.2.1", comment="web")])
    zone = finished(group.create(name="example.org", mode="primary", ttl=7200, labels={"a": "b"}, rrsets=[www])).zone
    equal((group.get("example.org").id, group.get(zone.id).name), (zone.id, "example.org"))
    equal((zone.ttl, zone.mode, len(zone.authoritative_nameservers.assigned)), (7200, "primary", 3))
    refused("uniqueness_error", group.create, name="example.org", mode="primary")
    refused("not_found", group.get, "example.net")
    equal(names(group.get_all(name="example.org", mode="primary", label_selector="a=b", sort=["name:desc"])), ["example.org"])
    equal(len(group.get_list(page=1, per_page=1).zones), 1)
    equal(group.update(zone, labels={"team": "web"}).labels, {"team": "web"})
    finished(group.change_ttl(zone, 3600))
    equal(group.get(zone.id).ttl, 3600)
    finished(group.change_protection(zone, delete=True))
    refused("protected", group.delete, zone)
    finished(group.change_protection(zone, delete=False))
    rrsets(client, zone)
    told_actions(group, zone)

    file = group.export_zonefile(zone).zonefile
    equal("www" in file and "SOA" in file, True)
    finished(group.import_zonefile(zone, f"{file}\nnew IN AAAA 2001:db8::1\n"))
    equal(group.get_rrset(zone, "new", "AAAA").records[0].value, "2001:db8::1")
    finished(group.delete(zone))

    primary = ZonePrimaryNameserver(address="192.0.2.53", port=53)
    second = finished(group.create(name="second.org", mode="secondary", primary_nameservers=[primary])).zone
    refused("incorrect_zone_mode", group.create_rrset, second, name="www", type="A", records=www.records)
    finished(group.change_primary_nameservers(second, [ZonePrimaryNameserver(address="198.51.100.53")]))
    equal([one.address for one in group.get(second.id).primary_nameservers], ["198.51.100.53"])
    finished(group.delete(Zone(name="second.org")))
    from_file = finished(group.create(name="file.org", mode="primary", zonefile=file.replace("example.org", "file.org")))
    equal(group.get_rrset(from_file.zone, "www", "A").name, "www")
    finished(group.delete(from_file.zone))
    equal(group.get_all(), [])


def values(rrset):
    return sorted((one.value, one.comment) for one in rrset.records)


def rrsets(client, zone):
    group = client.zones
    web = group.get_rrset(zone, "www", "A")
    equal((web.id, web.ttl, values(web)), ("www/A", 300, [("192.0.2.1", "web")]))
    text = finished(group.create_rrset(zone, name="@", type="TXT", labels={"a": "b"}, records=[ZoneRecord(value='"v=spf1 -all"')])).rrset
    equal((text.id, text.zone.id), ("@/TXT", zone.id))
    refused("uniqueness_error", group.create_rrset, zone, name="@", type="TXT", records=[ZoneRecord(value='"twice"')])
    refused("invalid_input", group.create_rrset, zone, name="bad", type="A", records=[ZoneRecord(value="not-an-address")])
    equal(group.update_rrset(text, labels={"team": "web"}).labels, {"team": "web"})
    equal([one.id for one in group.get_rrset_all(zone, name="www", type=["A"], sort=["id"])], ["www/A"])
    equal([one.id for one in group.get_rrset_list(zone, label_selector="team=web", page=1, per_page=5).rrsets], ["@/TXT"])

    finished(group.add_rrset_records(web, [ZoneRecord(value="192.0.2.2")], ttl=300))
    finished(group.update_rrset_records(web, [ZoneRecord(value="192.0.2.2", comment="second")]))
    equal(values(group.get_rrset(zone, "www", "A")), [("192.0.2.1", "web"), ("192.0.2.2", "second")])
    finished(group.remove_rrset_records(web, [ZoneRecord(value="192.0.2.1")]))
    finished(group.set_rrset_records(web, [ZoneRecord(value="192.0.2.9")]))
    equal([one.value for one in group.get_rrset(zone, "www", "A").records], ["192.0.2.9"])
    finished(group.change_rrset_ttl(web, 60))
    equal(group.get_rrset(zone, "www", "A").ttl, 60)
    finished(group.change_rrset_ttl(web, None))
    equal(group.get_rrset(zone, "www", "A").ttl, None)
    finished(group.change_rrset_protection(web, change=True))
    refused("protected", group.delete_rrset, web)
    finished(group.change_rrset_protection(web, change=False))
    finished(group.delete_rrset(text))
    refused("not_found", group.get_rrset, zone, "@", "TXT")
