-- Everything that a custodian keeps. Times are seconds since the Unix epoch; enumerations are the
-- numbers of the protocol, or those said here. What is called sealed is sealed under the
-- key-management service, what is called hash is SHA-256.

CREATE TABLE users (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
) STRICT;

CREATE TABLE wallets (
    id INTEGER PRIMARY KEY,
    user INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    wallet BLOB NOT NULL CHECK (length(wallet) = 16),
    -- How often it was saved. A step is saved against the version that it began with.
    version INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    -- The latest time it has seen: a clock that is set back brings none back.
    now INTEGER NOT NULL,
    highest_signing INTEGER NOT NULL,
    highest_backup INTEGER NOT NULL,
    -- Ordered by the operator.
    frozen INTEGER NOT NULL,
    -- The request in dispute.
    dispute BLOB,
    -- 0: no; 1: restored, awaits approval; 2: restored, an operation is approved.
    restored INTEGER NOT NULL,
    approved BLOB,
    window_until INTEGER,
    -- Whether its key was ever released.
    ejected INTEGER NOT NULL,
    -- When something ends by itself.
    due INTEGER,
    UNIQUE (user, wallet)
) STRICT;

CREATE INDEX wallets_due ON wallets (due) WHERE due IS NOT NULL;

-- The public keys of a wallet, from its first committed epoch on.
CREATE TABLE keys (
    wallet INTEGER NOT NULL REFERENCES wallets (id) ON DELETE CASCADE,
    place INTEGER NOT NULL,
    curve INTEGER NOT NULL,
    public_key BLOB NOT NULL,
    PRIMARY KEY (wallet, place)
) STRICT, WITHOUT ROWID;

CREATE TABLE epochs (
    wallet INTEGER NOT NULL REFERENCES wallets (id) ON DELETE CASCADE,
    purpose INTEGER NOT NULL,
    number INTEGER NOT NULL,
    -- 1: pending; 2: active; 3: restorable; 4: retired (ended, its envelope still kept).
    status INTEGER NOT NULL,
    -- The operation that made it.
    operation BLOB NOT NULL,
    envelope BLOB,
    -- Seconds of grace left of a restorable one.
    grace_left INTEGER NOT NULL,
    ended_at INTEGER,
    PRIMARY KEY (wallet, purpose, number)
) STRICT, WITHOUT ROWID;

CREATE INDEX epochs_live ON epochs (wallet) WHERE status < 4;
CREATE UNIQUE INDEX epochs_one_pending ON epochs (wallet, purpose) WHERE status = 1;
CREATE UNIQUE INDEX epochs_one_active ON epochs (wallet, purpose) WHERE status = 2;
CREATE UNIQUE INDEX epochs_one_restorable ON epochs (wallet) WHERE status = 3;

-- The custodian's shares, while their epoch counts.
CREATE TABLE epoch_shares (
    wallet INTEGER NOT NULL,
    purpose INTEGER NOT NULL,
    number INTEGER NOT NULL,
    place INTEGER NOT NULL,
    curve INTEGER NOT NULL,
    commitment BLOB NOT NULL,
    sealed BLOB NOT NULL,
    PRIMARY KEY (wallet, purpose, number, place),
    FOREIGN KEY (wallet, purpose, number) REFERENCES epochs (wallet, purpose, number) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

-- What is kept of a prepared operation until it ends: its answer as it was sent, which no key of
-- the custodian's opens.
CREATE TABLE pendings (
    wallet INTEGER PRIMARY KEY REFERENCES wallets (id) ON DELETE CASCADE,
    id BLOB NOT NULL,
    operation INTEGER NOT NULL,
    request BLOB NOT NULL,
    -- The rank of what was proven. 0: token; 1: device; 2: active; 3: restorable.
    authority INTEGER NOT NULL,
    expires INTEGER NOT NULL,
    session BLOB NOT NULL
) STRICT;

-- How operations ended; of a committed one, everything that its receipt says.
CREATE TABLE operations (
    wallet INTEGER NOT NULL REFERENCES wallets (id) ON DELETE CASCADE,
    id BLOB NOT NULL,
    -- 1: committed; 2: abandoned; 3: expired; 4: displaced.
    outcome INTEGER NOT NULL,
    operation INTEGER,
    signing INTEGER,
    backup INTEGER,
    envelope BLOB,
    at INTEGER NOT NULL,
    PRIMARY KEY (wallet, id)
) STRICT, WITHOUT ROWID;

CREATE INDEX operations_tombstones ON operations (wallet, at) WHERE outcome > 1;

-- Recoveries and ejects that wait.
CREATE TABLE requests (
    wallet INTEGER PRIMARY KEY REFERENCES wallets (id) ON DELETE CASCADE,
    id BLOB NOT NULL,
    operation INTEGER NOT NULL,
    -- What was proven, as the protocol writes it.
    evidence BLOB NOT NULL,
    ready INTEGER NOT NULL,
    expires INTEGER NOT NULL,
    settled INTEGER NOT NULL
) STRICT;

CREATE TABLE envelopes (
    wallet INTEGER NOT NULL REFERENCES wallets (id) ON DELETE CASCADE,
    digest BLOB NOT NULL,
    epoch INTEGER NOT NULL,
    bytes BLOB NOT NULL,
    UNIQUE (wallet, digest)
) STRICT;

CREATE INDEX envelopes_of_epoch ON envelopes (wallet, epoch);

CREATE TABLE audit (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    at INTEGER NOT NULL,
    actor TEXT NOT NULL,
    act TEXT NOT NULL,
    user TEXT,
    wallet BLOB,
    operation BLOB,
    detail TEXT NOT NULL
) STRICT;

CREATE INDEX audit_of_wallet ON audit (wallet, number) WHERE wallet IS NOT NULL;

CREATE TRIGGER audit_is_not_changed BEFORE UPDATE ON audit
BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;

CREATE TRIGGER audit_is_not_deleted BEFORE DELETE ON audit
BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;

CREATE TABLE sessions (
    hash BLOB PRIMARY KEY NOT NULL,
    user INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    expires INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX sessions_expire ON sessions (expires);
CREATE INDEX sessions_of_user ON sessions (user);

CREATE TABLE operator_keys (
    hash BLOB PRIMARY KEY NOT NULL
) STRICT, WITHOUT ROWID;

-- What the custodian keeps of its own, such as its identity: sealed.
CREATE TABLE secrets (
    name TEXT PRIMARY KEY NOT NULL,
    sealed BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- What a change expects, checked where it is made: an insert here writes nothing, and fails with the
-- name of what does not hold.
CREATE VIEW expected_version (wallet, version) AS SELECT 0, 0;
CREATE TRIGGER expect_version INSTEAD OF INSERT ON expected_version
BEGIN
    SELECT RAISE(ABORT, 'conflict')
    WHERE NOT EXISTS (SELECT 1 FROM wallets WHERE id = NEW.wallet AND version = NEW.version);
END;

CREATE VIEW expected_wallets (user, most) AS SELECT '', 0;
CREATE TRIGGER expect_wallets INSTEAD OF INSERT ON expected_wallets
BEGIN
    SELECT RAISE(ABORT, 'too_many_wallets')
    WHERE NEW.most <= (
        SELECT count(*) FROM wallets JOIN users ON users.id = wallets.user
        WHERE users.name = NEW.user
    );
END;

CREATE VIEW expected_envelopes (wallet, epoch, digest, most) AS SELECT 0, 0, x'', 0;
CREATE TRIGGER expect_envelopes INSTEAD OF INSERT ON expected_envelopes
BEGIN
    SELECT RAISE(ABORT, 'too_many_envelopes')
    WHERE NEW.most <= (
        SELECT count(*) FROM envelopes
        WHERE wallet = NEW.wallet AND epoch = NEW.epoch AND digest <> NEW.digest
    );
END;
