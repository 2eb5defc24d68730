"""aiosalesforce against the simulator, by https: log in, create, update, upsert, pages, collections, typed errors, a
session that ends.

The client takes addresses of Salesforce only; one transport leads them to this machine. Arguments: the simulator's
address, and the file of its certificate.
"""

import asyncio
import ssl
import sys

import httpx
from aiosalesforce import ClientCredentialsFlow, Salesforce
from aiosalesforce.exceptions import (
    DuplicatesDetectedError,
    MoreThanOneRecordError,
    NotFoundError,
    RequestLimitExceededError,
    SalesforceError,
)

ADDRESS = httpx.URL(sys.argv[1])
CERTIFICATE = sys.argv[2]
KEY = "Ticketure_Identity_Id__c"
ORG = "https://museum.my.salesforce.com"


class ToTheSimulator(httpx.AsyncHTTPTransport):
    async def handle_async_request(self, request):
        request.url = request.url.copy_with(host=ADDRESS.host, port=ADDRESS.port)
        return await super().handle_async_request(request)


async def fails_with(kind, act, code=None):
    try:
        await act
    except kind as error:
        assert code is None or error.error_code == code, error
        return error
    raise AssertionError(f"{kind.__name__} was not raised")


async def one_record(org):
    ada = await org.sobject.create("Contact", {"LastName": " Lovelace ", "Email": "Ada@Example.org"})
    assert len(ada) == 18
    read = await org.sobject.get("Contact", ada, fields=["LastName", "Email"])
    assert (read["LastName"], read["Email"]) == ("Lovelace", "ada@example.org")
    await org.sobject.update("Contact", ada, {"FirstName": "Ada"})
    first = await org.sobject.upsert("Contact", "i-1", KEY, {"LastName": "Hopper"})
    again = await org.sobject.upsert("Contact", "i-1", KEY, {"FirstName": "Grace"})
    assert (first.created, again.created, first.id) == (True, False, again.id)
    by_key = await org.sobject.get("Contact", "i-1", KEY)
    assert by_key["FirstName"] == "Grace"
    await org.sobject.delete("Contact", ada)
    await fails_with(NotFoundError, org.sobject.get("Contact", ada))


async def errors(org, control):
    create = org.sobject.create
    await fails_with(SalesforceError, create("Contact", {"FirstName": "A"}), "REQUIRED_FIELD_MISSING")
    await fails_with(SalesforceError, create("Contact", {"LastName": "A", "Nmae": "x"}), "INVALID_FIELD")
    await fails_with(NotFoundError, org.sobject.upsert("Contact", "x", "Department", {"LastName": "A"}))
    taken = {"LastName": "A", KEY: "i-1"}
    await fails_with(SalesforceError, create("Contact", taken), "DUPLICATE_VALUE")
    for _ in range(2):
        await create("Contact", {"LastName": "Twin", "Email": "twin@example.org"})
    await fails_with(MoreThanOneRecordError, org.sobject.get("Contact", "twin@example.org", "Email"))
    await control("POST", "duplicate-rule")
    twin = {"LastName": "Twin", "Email": "twin@example.org"}
    error = await fails_with(DuplicatesDetectedError, create("Contact", twin))
    assert len(error.duplicates) == 2, error.duplicates
    await control("DELETE", "duplicate-rule")
    await control("POST", "faults", {"kind": "limit_exceeded", "path": "/limits"})
    await fails_with(RequestLimitExceededError, org.get_limits())
    await control("DELETE", "faults")


async def many_records(org):
    path = f"{org.base_url}/services/data/v{org.version}/composite/sobjects"
    people = [{"attributes": {"type": "Contact"}, "LastName": f"Visitor {n}"} for n in range(1000)]
    for start in range(0, 1000, 200):
        answer = await org.request("POST", path, json={"records": people[start : start + 200]})
        assert all(result["success"] for result in answer.json())
    visitors = "SELECT Id FROM Contact WHERE LastName LIKE 'Visitor %'"
    assert len({row["Id"] async for row in org.query(visitors)}) == 1000
    wrong = {"attributes": {"type": "Contact"}, "FirstName": "No last name"}
    answer = await org.request("POST", path, json={"records": [people[0], wrong]})
    assert [result["success"] for result in answer.json()] == [True, False]
    assert answer.json()[1]["errors"][0]["statusCode"] == "REQUIRED_FIELD_MISSING"
    twice = [{"attributes": {"type": "Contact"}, "LastName": "L", KEY: "i-2"}] * 2
    answer = await org.request("PATCH", f"{path}/Contact/{KEY}", json={"records": twice})
    assert [result["success"] for result in answer.json()] == [False, False]
    hidden = {"attributes": {"type": "Contact"}, "LastName": "L", "Nmae": "x"}
    refused = org.request("POST", path, json={"records": [people[0], hidden]})
    await fails_with(SalesforceError, refused, "INVALID_FIELD")


async def pages_and_sessions(org, control):
    visitors = "SELECT Id FROM Contact WHERE LastName LIKE 'Visitor %'"
    await control("POST", "faults", {"kind": "small_pages", "rows": 300})
    for with_deleted in (False, True):
        found = [row["Id"] async for row in org.query(visitors, with_deleted)]
        assert len(found) == len(set(found)) >= 1000
    # The session ends between two calls: the client logs in again by itself.
    await control("POST", "faults", {"kind": "expire_sessions", "times": 1})
    assert (await org.get_limits())["DailyApiRequests"]["Max"] > 0
    # It ends between two pages: the locator has ended with it.
    await control("POST", "faults", {"kind": "expire_sessions", "times": 1, "path": "/query/"})

    async def read():
        return [row async for row in org.query(visitors)]

    await fails_with(SalesforceError, read(), "INVALID_QUERY_LOCATOR")
    await control("DELETE", "faults")


async def main():
    trusted = ssl.create_default_context(cafile=CERTIFICATE)
    async with httpx.AsyncClient(transport=ToTheSimulator(verify=trusted), timeout=60) as client:
        org = Salesforce(client, base_url=ORG, auth=ClientCredentialsFlow("c", "s"), version="67.0")

        async def control(method, path, body=None):
            answer = await client.request(method, f"{ORG}/simulator/{path}", json=body)
            assert answer.is_success, answer.text

        await one_record(org)
        await errors(org, control)
        await many_records(org)
        await pages_and_sessions(org, control)


asyncio.run(main())
