-- Holds: credit set aside for calls that are about to be made. They move no money, so no entry and no balance changes.
-- No row is rewritten.

-- 1. Holds ------------------------------------------------------------------------------------------------------------

CREATE TABLE holds (
    id               uuid NOT NULL CONSTRAINT pk_holds PRIMARY KEY,
    user_id          text COLLATE "C" NOT NULL,
    state            text COLLATE "C" NOT NULL
                     CONSTRAINT ck_holds_state CHECK (state IN ('open', 'settled', 'released', 'expired')),
    requested_cents  numeric(20,7) NOT NULL CONSTRAINT ck_holds_requested CHECK (requested_cents BETWEEN 0 AND 1e12),
    held_cents       numeric(20,7) NOT NULL
                     CONSTRAINT ck_holds_held CHECK (held_cents BETWEEN 0 AND requested_cents),
    settled_cents    numeric(30,7) NOT NULL
                     CONSTRAINT ck_holds_settled CHECK (settled_cents >= 0 AND settled_cents <> 'NaN'),
    is_partial       boolean NOT NULL,
    model            text,
    external_id      text COLLATE "C",
    description      text,
    metadata         json,
    answer_key       text COLLATE "C" NOT NULL,
    expires_at       timestamptz NOT NULL,
    created_at       timestamptz NOT NULL,
    closed_at        timestamptz,
    settled_late_at  timestamptz,
    release_reason   text,
    posted_by        integer,
    closed_by        integer,
    CONSTRAINT ck_holds_closed CHECK ((state = 'open') = (closed_at IS NULL)),
    CONSTRAINT ck_holds_ended CHECK (state = 'open' OR held_cents = 0)
) WITH (fillfactor = 80);

CREATE UNIQUE INDEX uq_holds_open_external_id ON holds (user_id, external_id) WHERE state = 'open';
CREATE INDEX ix_holds_open_expires_at ON holds (expires_at) WHERE closed_at IS NULL;
CREATE INDEX ix_holds_user ON holds (user_id, id);

-- 2. What they set aside ----------------------------------------------------------------------------------------------

ALTER TABLE user_budgets
    ADD COLUMN held_cents numeric(20,7) NOT NULL DEFAULT 0,
    ADD COLUMN holds_expire_at timestamptz,
    ADD COLUMN holds_version bigint NOT NULL DEFAULT 0;

ALTER TABLE user_budgets
    ADD CONSTRAINT ck_user_budgets_held CHECK (
        held_cents >= 0 AND held_cents <> 'NaN' AND (deleted_at IS NULL OR held_cents = 0)) NOT VALID;
ALTER TABLE user_budgets VALIDATE CONSTRAINT ck_user_budgets_held;

ALTER TABLE llm_usage ADD COLUMN hold_id uuid;

CREATE INDEX ix_llm_usage_hold_id ON llm_usage (hold_id) WHERE hold_id IS NOT NULL;

-- 3. What is not obvious ----------------------------------------------------------------------------------------------

COMMENT ON TABLE holds IS
    'Credit of a user that is set aside for calls that are about to be made (R21 to R24). Holds have no entries.';
COMMENT ON COLUMN holds.state IS
    'open, settled, released or expired. From expires_at on an open hold counts as expired, whatever its row says.';
COMMENT ON COLUMN holds.held_cents IS 'What it still sets aside, in cents; 0 once it has ended.';
COMMENT ON COLUMN holds.settled_cents IS
    'What the usages that it covered cost, in cents; it may be more than was held (R22).';
COMMENT ON COLUMN holds.external_id IS 'The id of the caller, unique among the open holds of the user.';
COMMENT ON COLUMN holds.answer_key IS 'The key of idempotency_keys under which the first answer is stored (R9).';
COMMENT ON COLUMN holds.settled_late_at IS
    'When a usage named the hold after it had expired: one such usage needs no credit (R23).';
COMMENT ON COLUMN user_budgets.held_cents IS
    'The sum of held_cents of the rows of holds of this user that are open, expired or not.';
COMMENT ON COLUMN user_budgets.holds_expire_at IS
    'No open hold of the user expires before this time; NULL when there is none. It may be too early, never too late.';
COMMENT ON COLUMN user_budgets.holds_version IS
    'Counts the commits that changed the holds of the user: a commit on cached budgets compares it.';
COMMENT ON COLUMN llm_usage.hold_id IS 'The hold that the caller named.';
