-- Who does what happens by the clock: of several crons, the one that holds the task's lease.
create table leases (
    task  text        primary key,
    until timestamptz not null
);
