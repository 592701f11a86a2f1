import { ApiError } from "../platform/api.ts";

/** The regions of a tenancy, as `oci iam region-subscription list` gets them. */
export function subscriptions(region: string, home: string): object[] {
  return [...new Set([region, home])].map((regionName) => ({
    regionKey: keyOf(regionName),
    regionName,
    status: "READY",
    isHomeRegion: regionName === home,
  }));
}

/** Rights are changed in the home region alone. @throws {ApiError} 403, as the service words it */
export function requireHome(region: string, home: string): void {
  if (region === home) return;
  const message = `Please go to your home region ${keyOf(home)} to execute CREATE, UPDATE and DELETE operations.`;
  throw new ApiError(403, "NotAllowed", message);
}

/** Such as FRA of eu-frankfurt-1; the real ones are not all made so. */
function keyOf(region: string): string {
  return (region.split("-")[1] ?? region).slice(0, 3).toUpperCase();
}
