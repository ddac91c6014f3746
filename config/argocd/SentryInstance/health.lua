-- The health of a SentryInstance, for Argo CD's resource customizations.
--
-- `Ready` and `Stalled` decide; the reason of `Ready` is the phase. Waiting is progress, what a person has to repair is degraded,
-- and mail or another channel that does not work leaves an instance healthy, which the message says.
local health = {status = "Progressing", message = "the operator has not looked at it yet"}

if obj.status == nil or obj.status.conditions == nil then
  return health
end

if obj.metadata.generation ~= nil and obj.status.observedGeneration ~= obj.metadata.generation then
  health.message = "the operator has not seen the latest change yet"
  return health
end

local ready = nil
local stalled = nil
for _, condition in ipairs(obj.status.conditions) do
  if condition.type == "Ready" then
    ready = condition
  elseif condition.type == "Stalled" then
    stalled = condition
  end
end

if ready == nil then
  return health
end

health.message = ready.message
local repair = {
  Degraded = true, MigrationFailed = true, PreflightFailed = true, Rejected = true, Stalled = true
}

if ready.reason == "Paused" or ready.reason == "Suspended" then
  health.status = "Suspended"
elseif stalled ~= nil and stalled.status == "True" then
  health.status = "Degraded"
  if stalled.message ~= nil and stalled.message ~= "" then
    health.message = stalled.message
  end
elseif ready.status == "True" then
  health.status = "Healthy"
elseif ready.status == "False" and repair[ready.reason] then
  health.status = "Degraded"
end

return health
