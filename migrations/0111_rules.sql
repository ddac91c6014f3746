-- A rule as Sentry's API writes it; null is the usual one, as projects have it that an older version created. Older workers look
-- for the trigger first_seen and leave the others alone.
alter table alert_rules drop constraint alert_rules_trigger_check;
alter table alert_rules
    add constraint alert_rules_trigger_check check (trigger in ('first_seen', 'rule')) not valid,
    add column definition json,
    -- Nobody hears of it until then.
    add column muted_until timestamptz,
    add column created_by bigint references users on delete set null;

-- When a rule last told of an issue, so that it is silent for a while.
create table rule_fires (
    project_id bigint      not null,
    rule_id    bigint      not null,
    issue_id   bigint      not null,
    fired_at   timestamptz not null,
    primary key (project_id, rule_id, issue_id)
) with (fillfactor = 80);
create index rule_fires_by_issue on rule_fires (project_id, issue_id);
