-- What is owed to the holder of signing shares, where there is one: about which wallets it has to be told
-- how they stand. A row outlives its wallet, and is deleted when the holder has settled.
CREATE TABLE notices (
    user TEXT NOT NULL,
    wallet BLOB NOT NULL CHECK (length(wallet) = 16),
    version INTEGER NOT NULL,
    -- 1: a new epoch is being given to the holder, and is not pending yet. 0: it is to be told.
    staging INTEGER NOT NULL,
    PRIMARY KEY (user, wallet)
) STRICT, WITHOUT ROWID;

-- The last version that was given to any of them. It outlives them.
CREATE TABLE notice_version (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    version INTEGER NOT NULL
) STRICT;
INSERT INTO notice_version (one, version) VALUES (1, 0);

CREATE VIEW expected_notice (user, wallet, version) AS SELECT '', x'', 0;
CREATE TRIGGER expect_notice INSTEAD OF INSERT ON expected_notice
BEGIN
    SELECT RAISE(ABORT, 'conflict')
    WHERE NOT EXISTS (
        SELECT 1 FROM notices
        WHERE user = NEW.user AND wallet = NEW.wallet AND version = NEW.version
    );
END;
