insert into alert_rules (project_id, name, trigger) select id, 'Send a mail for new issues', 'first_seen' from projects;
insert into notifications (project_id, rule_id, event_id, user_id, issue_id, created_at)
select e.project_id, r.id, e.id, u.id, e.issue_id, now() from events e, alert_rules r, users u;
