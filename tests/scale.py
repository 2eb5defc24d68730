"""Sends customers' days to a running usher, a simulator beside it in another process, and prints what they take.

    usher simulator --daily-limit 100000000 &
    usher serve --config usher.toml &         # both addresses are the simulator's; webhook_secret is `demo`
    python3 tests/scale.py path/to/usher usher.toml 20000          # memory of usher's own process, a line a thousand
    python3 tests/scale.py path/to/usher usher.toml 2000 kinds     # API calls for each kind of event
    python3 tests/scale.py path/to/usher usher.toml 1000 pushes    # and for what is made in Salesforce
"""

import json
import subprocess
import sys
import time
import urllib.error
import urllib.request

USHER, CONFIG, COUNT = sys.argv[1], sys.argv[2], int(sys.argv[3])
HEADERS = {"Authorization": "Bearer demo", "Content-Type": "application/json"}
DAY, NEXT_DAY = "2026-03-01T18:00:00Z", "2026-03-02T18:00:00Z"


def ask(url, body=None, method=None):
    data = None if body is None else json.dumps(body).encode()
    while True:
        try:
            request = urllib.request.Request(url, data, HEADERS, method=method)
            return json.load(urllib.request.urlopen(request))
        except urllib.error.HTTPError as error:
            if error.code != 429:
                raise
            time.sleep(1)


def event(kind, entity, name, row, at=DAY):
    return {"event_type": kind, "event_id": name, "occurred_at": at, "data": {entity: {"_data": [row]}}}


def person(n):
    row = {"id": f"i-{n}", "identity_type": "person", "first_name": "A", "last_name": f"B{n}",
           "email": f"p{n}@example.org", "updated_at": DAY}
    return [event("identity_changed", "identity", f"{n}i", row)]


def ticket(n, k, action, at):
    row = {"id": f"{n}{action}{k}", "action": action, "occurred_at": at, "ticket_id": f"t{n}-{k}", "cart_id": f"c-{n}",
           "ticket_type": "Adult", "ticket_type_id": "adult", "price_paid": "25.00", "item_kind": "admission",
           "identity_id": f"i-{n}"}
    return event("ticket_audit", "ticket_audit", f"{n}{action}{k}", row, at)


def money(n, action, amount):
    row = {"id": f"{action}{n}", "cart_id": f"c-{n}", "action": action, "gateway_reference": f"r{n}", "amount": amount,
           "method": "card", "occurred_at": DAY}
    return event("gateway_audit", "gateway_audit", f"{n}{action}", row)


def sale(n):
    cart = {"id": f"c-{n}", "cart_number": f"N{n}", "status": "checked_out", "identity_id": f"i-{n}",
            "checked_out_at": DAY, "total_outstanding": "0.00"}
    tickets = [ticket(n, k, "purchased", DAY) for k in range(4)]
    return tickets + [money(n, "charge", "100.00"), event("cart_changed", "cart", f"{n}c", cart)]


def scans(n):
    return [ticket(n, k, "redeemed", NEXT_DAY) for k in range(4)]


def refund(n):
    return [ticket(n, 0, "refunded", NEXT_DAY), money(n, "refund", "25.00")]


def member(n, until="2027-02-28", action="new", at=DAY):
    row = {"id": f"m-{n}", "member_number": f"M{n}", "level_name": "Family", "status": "active", "action": action,
           "valid_from": "2026-03-01", "valid_until": until, "cart_id": f"c-{n}", "primary_identity_id": f"i-{n}",
           "members": [{"identity_id": f"i-{n}", "role": "primary"}], "updated_at": at}
    return [event("membership_changed", "membership", f"{n}m{action}", row, at)]


def longer(n):
    return member(n, "2027-05-31", "extension", NEXT_DAY)


def send(events):
    for start in range(0, len(events), 500):
        ask("http://127.0.0.1:8480/webhooks", events[start:start + 500])
    while True:
        said = json.loads(subprocess.check_output([USHER, "status", "--config", CONFIG, "--json"]))
        if said["ready"] + said["running"] + said["delayed"] + said["parked"] == 0:
            return said
        time.sleep(0.2)


def simulator(path, body=None, method=None):
    return ask(f"http://127.0.0.1:8481/simulator/{path}", body, method)


def calls():
    return simulator("calls")["calls"]


def megabytes():
    process = subprocess.check_output(["pgrep", "-f", f"{USHER} serve"]).split()[0].decode()
    with open(f"/proc/{process}/status") as status:
        return next(int(line.split()[1]) / 1000 for line in status if line.startswith("VmRSS"))


def kinds():
    for kind in [person, sale, scans, refund, member, longer]:
        before, start = calls(), time.time()
        said = send([one for n in range(COUNT) for one in kind(n)])
        seconds = time.time() - start
        print(f"{kind.__name__}: {calls() - before} calls for {COUNT}, {seconds:.1f} s, {said['dead']} errors", flush=True)


def days():
    start = time.time()
    for first in range(0, COUNT, 1000):
        events = [one for n in range(first, first + 1000) for kind in [person, sale, member, scans] for one in kind(n)]
        said = send(events)
        print(f"{first + 1000}: {time.time() - start:.0f} s, {megabytes():.0f} MB, {calls()} calls, "
              f"{said['done']} done, {said['dead']} errors", flush=True)


def until(what, begin, is_done):
    before, start = calls(), time.time()
    begin()
    while not is_done():
        time.sleep(1)
    print(f"{what}: {calls() - before} calls for {COUNT}, {time.time() - start:.0f} s", flush=True)


def pushes():
    contacts, opportunities = [], []
    kind = next(one["Id"] for one in simulator("records/RecordType") if one["DeveloperName"] == "Membership")

    def people():
        for n in range(COUNT):
            fields = {"FirstName": "A", "LastName": f"B{n}", "Email": f"p{n}@example.org"}
            contacts.append(simulator("user/Contact", fields)["id"])

    def memberships():
        for n, contact in enumerate(contacts):
            fields = {"Name": f"Membership {n}", "StageName": "Closed Won", "CloseDate": "2026-09-21", "Amount": 120,
                      "RecordTypeId": kind, "npsp__Primary_Contact__c": contact, "npe01__Member_Level__c": "Gold",
                      "npe01__Membership_Start_Date__c": "2026-10-01", "npe01__Membership_End_Date__c": "2027-09-30"}
            opportunities.append(simulator("user/Opportunity", fields)["id"])

    def ends():
        for opportunity in opportunities:
            simulator(f"user/Opportunity/{opportunity}", {"Ticketure_Extend_To__c": "2027-12-31"}, "PATCH")

    def known(field):
        return all(one.get(field) for one in simulator("records/Opportunity"))

    def extended():
        rows, records = simulator("rows/membership"), simulator("records/Opportunity")
        told = all(row["valid_until"] == "2027-12-31" for row in rows)
        return told and not any(one.get("Ticketure_Extend_To__c") for one in records)

    until("a contact made in Salesforce", people, lambda: len(simulator("identities")) == COUNT)
    until("a membership made in Salesforce", memberships, lambda: known("Ticketure_Membership_Term__c"))
    until("its end typed there", ends, extended)


modes = {"kinds": kinds, "pushes": pushes}
modes.get(sys.argv[4] if len(sys.argv) > 4 else "", days)()
