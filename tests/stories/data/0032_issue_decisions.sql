insert into issue_snoozes (project_id, issue_id, until) select project_id, id, now() from issues limit 1;
update issues set status = 1, decision = null where short_id = 2;
