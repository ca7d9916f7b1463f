-- A second person does not agree to a draft and says why, signed in or by a link: the office reads it beside that draft.

CREATE TABLE billing.refusal (
    id         uuid PRIMARY KEY,
    month      date NOT NULL CONSTRAINT refusal_period_exists REFERENCES billing.period (month),
    draft_hash bytea NOT NULL CONSTRAINT refusal_draft_hash_is_sha256 CHECK (length(draft_hash) = 32),
    how        text NOT NULL CONSTRAINT refusal_how_known CHECK (how IN ('person', 'link')),
    refused_by uuid NOT NULL CONSTRAINT refusal_person_exists REFERENCES coop.person (id),
    refused_at timestamptz NOT NULL,
    words      text NOT NULL CONSTRAINT refusal_says_why CHECK (words <> '')
);

CREATE INDEX refusal_by_month ON billing.refusal (month, refused_at, id);

REVOKE UPDATE, DELETE, TRUNCATE ON billing.refusal FROM moyai_app;
