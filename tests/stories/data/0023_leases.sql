insert into leases (task, until) values ('make partitions', now());
