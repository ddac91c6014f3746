insert into issue_hours (project_id, issue_id, hour, events) select project_id, id, date_trunc('hour', now()) - interval '1 hour', 1 from issues on conflict do nothing;
