insert into alert_rules (project_id, name, trigger, definition)
select id, 'Every event', 'rule', '{"name": "Every event", "conditions": [{"id": "sentry.rules.conditions.every_event.EveryEventCondition"}]}' from projects;
insert into rule_fires (project_id, rule_id, issue_id, fired_at) select i.project_id, r.id, i.id, now() from issues i, alert_rules r;
