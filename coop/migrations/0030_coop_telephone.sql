-- By which number a member calls: the office finds it while it rings.

ALTER TABLE coop.member ADD COLUMN telephone text NOT NULL DEFAULT '';

COMMENT ON COLUMN coop.member.telephone IS 'as written; compared by its digits';
