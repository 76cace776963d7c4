-- What kind of wallet a commit left behind, as its receipt says. No wallet had changed its kind before.

ALTER TABLE operations ADD COLUMN kind INTEGER;

UPDATE operations SET kind = (SELECT kind FROM wallets WHERE wallets.id = operations.wallet)
WHERE outcome = 1;
