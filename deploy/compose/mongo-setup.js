// Joins the servers to a set, unless they are, and makes the user of the roles.
const { MONGO_INITDB_ROOT_USERNAME: user, MONGO_INITDB_ROOT_PASSWORD: password } = process.env;
const credentials = `${user}:${password}@`;

const first = connect(`mongodb://${credentials}mongo-1/admin?directConnection=true`);
try {
    first.adminCommand({ replSetGetStatus: 1 });
} catch (failure) {
    if (failure.codeName !== "NotYetInitialized") throw failure;
    const members = ["mongo-1", "mongo-2", "mongo-3"];
    const config = { _id: "parlance", members: members.map((host, _id) => ({ _id, host })) };
    first.adminCommand({ replSetInitiate: config });
}

// Waits for a primary.
const set = connect(`mongodb://${credentials}mongo-1,mongo-2,mongo-3/admin?replicaSet=parlance`);
// Rebuilds make and drop databases beside the one that is named.
const roles = ["readWriteAnyDatabase", "dbAdminAnyDatabase"];
const parlance = { pwd: process.env.MONGO_PASSWORD, roles };
if (set.getUser("parlance")) {
    set.updateUser("parlance", parlance);
} else {
    set.createUser({ user: "parlance", ...parlance });
}
