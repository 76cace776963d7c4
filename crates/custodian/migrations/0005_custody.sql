-- Wallets that leave for another custodian, are there, or came from one.

-- That it leaves, or is gone: as the protocol writes it.
ALTER TABLE wallets ADD COLUMN custody BLOB;

-- What stands for where a wallet came from, in what is pending and in its receipt.
ALTER TABLE pendings ADD COLUMN origin BLOB;
ALTER TABLE operations ADD COLUMN origin BLOB;

-- The custodians that the operator lets wallets be moved to.
CREATE TABLE trusted_custodians (
    identity BLOB PRIMARY KEY NOT NULL CHECK (length(identity) = 66),
    url TEXT NOT NULL
) STRICT, WITHOUT ROWID;
