"""simple-salesforce against the simulator: log in, describe, create, upsert, query, collections, typed errors.

The client speaks https only; the simulator speaks plain HTTP on loopback, so one adapter takes the s away.
"""

import sys

import requests
from simple_salesforce import Salesforce
from simple_salesforce.exceptions import (
    SalesforceExpiredSession,
    SalesforceMalformedRequest,
    SalesforceMoreThanOneRecord,
    SalesforceResourceNotFound,
)

ADDRESS = sys.argv[1]


class Plain(requests.adapters.HTTPAdapter):
    def send(self, request, **options):
        request.url = request.url.replace("https://", "http://", 1)
        return super().send(request, **options)


def fails_with(kind, act):
    try:
        act()
    except kind:
        return
    raise AssertionError(f"{kind.__name__} was not raised")


session = requests.Session()
session.mount("https://", Plain())
token = session.post(
    f"https://{ADDRESS}/services/oauth2/token",
    data={"grant_type": "client_credentials", "client_id": "c", "client_secret": "s"},
).json()["access_token"]
org = Salesforce(instance=ADDRESS, session_id=token, session=session, version="67.0")

names = {field["name"] for field in org.Contact.describe()["fields"]}
assert {"LastName", "Email", "Ticketure_Identity_Id__c"} <= names
assert "Contact" in {item["name"] for item in org.describe()["sobjects"]}

created = org.Contact.create({"LastName": "Lovelace", "Email": "ada@example.org"})
assert created["success"] and len(created["id"]) == 18
assert org.Contact.get(created["id"])["LastName"] == "Lovelace"
assert org.Contact.update(created["id"], {"FirstName": "Ada"}) == 204

assert org.Contact.upsert("Ticketure_Identity_Id__c/i-1", {"LastName": "Hopper"}) in (200, 201)
assert org.Contact.upsert("Ticketure_Identity_Id__c/i-1", {"FirstName": "Grace"}) in (200, 204)
assert org.Contact.get_by_custom_id("Ticketure_Identity_Id__c", "i-1")["FirstName"] == "Grace"

found = org.query("SELECT Id, FirstName FROM Contact WHERE Email = 'ADA@EXAMPLE.ORG'")
assert found["totalSize"] == 1 and found["records"][0]["FirstName"] == "Ada"
everyone = [row["Id"] for row in org.query_all_iter("SELECT Id FROM Contact ORDER BY LastName")]
assert len(everyone) == 2

records = [{"attributes": {"type": "Contact"}, "LastName": f"Visitor {n}"} for n in range(200)]
results = org.restful("composite/sobjects", method="POST", json={"allOrNone": False, "records": records})
assert len(results) == 200 and all(result["success"] for result in results)

fails_with(SalesforceMalformedRequest, lambda: org.Contact.create({"FirstName": "Nobody"}))
fails_with(SalesforceMalformedRequest, lambda: org.query("SELECT Id FROM Contact WHERE"))
fails_with(SalesforceResourceNotFound, lambda: org.Contact.get("003000000000001AAA"))
org.Contact.create({"LastName": "Twin", "Email": "ada@example.org"})
fails_with(SalesforceMoreThanOneRecord, lambda: org.Contact.get_by_custom_id("Email", "ada@example.org"))
assert org.Contact.delete(created["id"]) == 204

stranger = Salesforce(instance=ADDRESS, session_id="wrong", session=session, version="67.0")
fails_with(SalesforceExpiredSession, lambda: stranger.query("SELECT Id FROM Contact"))
assert org.limits()["DailyApiRequests"]["Remaining"] > 0
print("simple-salesforce is satisfied")
