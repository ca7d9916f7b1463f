-- A line says whose fee or share it is; what it was computed from stands in the month's evidence, not in each line again.
-- Lines are written machine by machine, before the statements that they add up to.

ALTER TABLE billing.line
    ADD COLUMN machine_id text CONSTRAINT line_machine_exists REFERENCES coop.machine (id),
    ADD COLUMN pool_id text CONSTRAINT line_pool_exists REFERENCES billing.cost_pool (id),
    ADD COLUMN starts_at timestamptz,
    ADD COLUMN ends_at timestamptz,
    ADD CONSTRAINT line_of_machine_or_pool CHECK ((kind = 'fee') = (machine_id IS NOT NULL) AND num_nonnulls(machine_id, pool_id) = 1),
    ADD CONSTRAINT line_fee_says_when CHECK ((kind = 'fee') = (starts_at IS NOT NULL AND ends_at IS NOT NULL)),
    DROP COLUMN description_code,
    DROP COLUMN description,
    DROP CONSTRAINT line_statement_exists,
    ADD CONSTRAINT line_statement_exists FOREIGN KEY (statement_id) REFERENCES billing.statement (id)
        DEFERRABLE INITIALLY DEFERRED;

-- Whoever looks for what a machine earned, and a verification that goes through a month machine by machine.
CREATE INDEX line_by_machine ON billing.line (machine_id, statement_id);
