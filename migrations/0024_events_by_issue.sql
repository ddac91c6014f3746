-- events_by_issue_and_time does what it did, in half the space.
drop index events_by_issue;
