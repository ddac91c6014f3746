insert into deliveries (project_id, id, rule_id, event_id, issue_id, channel_id, user_id, news, created_at, state, finished_at)
select e.project_id, gen_random_uuid(), r.id, e.id, e.issue_id, 0, u.id, 0, now(), 1, now() from events e, alert_rules r, users u;
insert into delivery_lanes (channel_id, user_id, tokens, refilled_at) select 0, id, 10, now() from users;
insert into incidents (project_id, issue_id, channel_id, rule_id, opened_at) select i.project_id, i.id, c.id, 1, now() from issues i, channels c;
