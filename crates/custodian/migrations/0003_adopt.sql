-- One public key is in one wallet: were it in two, a recovery of the one would leave the other's old
-- phone signing. Asked where a wallet is adopted; keys that are made here are new.
CREATE INDEX keys_public ON keys (public_key);

CREATE VIEW expected_new_keys (curve, public_key) AS SELECT 0, x'';
CREATE TRIGGER expect_new_keys INSTEAD OF INSERT ON expected_new_keys
BEGIN
    SELECT RAISE(ABORT, 'key_in_use')
    WHERE EXISTS (
        SELECT 1 FROM keys WHERE public_key = NEW.public_key AND curve = NEW.curve
    );
END;
