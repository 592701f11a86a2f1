import type { Fn } from "../resources.ts";
import type { Settings } from "../settings.ts";

/** What of a function is not as func.yaml and the settings say. */
export function driftOf({ memoryInMbs, timeoutInSeconds, config, traceConfig }: Fn, settings: Settings): string[] {
  const { memory, timeout } = settings.manifest;
  const [has, wanted] = [config ?? {}, settings.config];
  const drift = [];
  if (memoryInMbs !== memory) drift.push(`memory ${memoryInMbs} → ${memory}`);
  if (timeoutInSeconds !== timeout) drift.push(`timeout ${timeoutInSeconds ?? "unset"} → ${timeout}`);
  const [traced, wantsTraces] = [traceConfig?.isEnabled === true, settings.traces !== undefined];
  if (traced !== wantsTraces) drift.push(`tracing ${wantsTraces ? "on" : "off"}`);
  for (const key of new Set([...Object.keys(has), ...Object.keys(wanted)])) {
    if (has[key] === wanted[key]) continue;
    drift.push(`config ${key} ${wanted[key] === undefined ? "removed" : has[key] === undefined ? "added" : "changed"}`);
  }
  return drift;
}

/** The drift where what each environment supplies need not be set: `unsaid` is what of it the function has, and is not compared. */
export function knownDriftOf(fn: Fn, settings: Settings): { drift: string[]; unsaid: string[] } {
  const supplied = settings.manifest.expects.config.map(({ name }) => name);
  const unsaid = supplied.filter((name) => fn.config?.[name] !== undefined && settings.config[name] === undefined);
  const config = Object.fromEntries(Object.entries(fn.config ?? {}).filter(([name]) => !unsaid.includes(name)));
  const traceConfig = settings.traces === undefined ? undefined : fn.traceConfig;
  return { drift: driftOf({ ...fn, config, traceConfig }, settings), unsaid };
}
