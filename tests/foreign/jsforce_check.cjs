// jsforce against the simulator, by https: log in, describe, create, upsert, query past one page, collections, graphs, errors.

const assert = require("node:assert");
const { Connection } = require("jsforce");

const address = process.argv[2];
const FIELD = "Ticketure_Identity_Id__c";

async function main() {
  const org = new Connection({
    instanceUrl: address,
    version: "62.0",
    oauth2: { loginUrl: address, clientId: "c", clientSecret: "s" },
  });
  await org.authorize({ grant_type: "client_credentials" });
  assert.ok(org.accessToken);

  const described = await org.sobject("Contact").describe();
  const names = described.fields.map((field) => field.name);
  assert.ok(names.includes("LastName") && names.includes(FIELD));
  const all = await org.describeGlobal();
  assert.ok(all.sobjects.some((object) => object.name === "Contact"));

  const ada = await org.sobject("Contact").create({ LastName: "Lovelace", Email: "ada@example.org" });
  assert.ok(ada.success && ada.id.length === 18);
  assert.equal((await org.sobject("Contact").retrieve(ada.id)).LastName, "Lovelace");
  assert.ok((await org.sobject("Contact").update({ Id: ada.id, FirstName: "Ada" })).success);

  assert.ok((await org.sobject("Contact").upsert({ [FIELD]: "i-1", LastName: "Hopper" }, FIELD)).success);
  assert.ok((await org.sobject("Contact").upsert({ [FIELD]: "i-1", FirstName: "Grace" }, FIELD)).success);
  const grace = await org.query(`SELECT Id, FirstName FROM Contact WHERE ${FIELD} = 'i-1'`);
  assert.equal(grace.totalSize, 1);
  assert.equal(grace.records[0].FirstName, "Grace");

  // 2,100 records in slices of 200, read back past the first page.
  const visitors = Array.from({ length: 2100 }, (_, n) => ({ LastName: `Visitor ${n}` }));
  const made = await org.sobject("Contact").create(visitors, { allowRecursive: true });
  assert.equal(made.filter((result) => result.success).length, 2100);
  const read = await org.query("SELECT Id FROM Contact", { autoFetch: true, maxFetch: 10000 });
  assert.equal(read.records.length, 2102);

  const some = made.slice(0, 200).map((result) => ({ Id: result.id, FirstName: "Vera" }));
  const updated = await org.sobject("Contact").update(some);
  assert.ok(updated.every((result) => result.success));
  const wrong = await org.sobject("Contact").create([{ LastName: "Right" }, { FirstName: "No last name" }]);
  assert.deepEqual(wrong.map((result) => result.success), [true, false]);
  assert.equal(wrong[1].errors[0].statusCode, "REQUIRED_FIELD_MISSING");

  // A household with a member; another, whose member lacks a name, is not there at all.
  const sobjects = "/services/data/v62.0/sobjects";
  const household = (name, member) => ({
    graphId: name,
    compositeRequest: [
      { method: "POST", url: `${sobjects}/Account`, referenceId: "account", body: { Name: name } },
      { method: "POST", url: `${sobjects}/Contact`, referenceId: "member", body: { ...member, AccountId: "@{account.id}" } },
    ],
  });
  const graphs = [household("Byron", { LastName: "Byron" }), household("Nobody", { FirstName: "No last name" })];
  const written = await org.requestPost("/services/data/v62.0/composite/graph", { graphs });
  assert.deepEqual(written.graphs.map((graph) => graph.isSuccessful), [true, false]);
  const [account, member] = written.graphs[0].graphResponse.compositeResponse.map((node) => node.body.id);
  assert.equal((await org.sobject("Contact").retrieve(member)).AccountId, account);
  const said = written.graphs[1].graphResponse.compositeResponse.map((node) => node.body[0].errorCode);
  assert.deepEqual(said, ["PROCESSING_HALTED", "REQUIRED_FIELD_MISSING"]);
  assert.equal((await org.query("SELECT Id FROM Account WHERE Name = 'Nobody'")).totalSize, 0);

  await assert.rejects(org.query("SELECT Nothing FROM Contact"), (error) => error.errorCode === "INVALID_FIELD");
  await assert.rejects(org.query("SELEKT"), (error) => error.errorCode === "MALFORMED_QUERY");
  await assert.rejects(org.sobject("Contact").retrieve("003000000000000AAA"), (error) => error.errorCode === "NOT_FOUND");

  assert.ok((await org.sobject("Contact").destroy(ada.id)).success);
  const gone = await org.query(`SELECT Id, IsDeleted FROM Contact WHERE Id = '${ada.id}'`, { scanAll: true });
  assert.equal(gone.records.length, 1);
  assert.equal(gone.records[0].IsDeleted, true);
  console.log("jsforce is satisfied");
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
