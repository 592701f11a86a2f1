import assert from "node:assert/strict";
import type { GatewaySettings } from "../.github/scripts/settings/gateway-settings.ts";
import { fillSpecification, readSpecification } from "../.github/scripts/settings/specification.ts";
import { AT, COMPARTMENT, FUNCTION, goodWorld, settingsForTests, type World } from "./doctor-fixture.ts";

export const GATEWAY = "ocid1.apigateway.oc1.eu-frankfurt-1.inserter";
const DEPLOYMENT = "ocid1.apideployment.oc1.eu-frankfurt-1.inserter";
export const SUBNET = "ocid1.subnet.oc1.eu-frankfurt-1.gateway";
const ROUTES = "ocid1.routetable.oc1.eu-frankfurt-1.gateway";
const LIST = "ocid1.securitylist.oc1.eu-frankfurt-1.gateway";
export const INTERNET = "ocid1.internetgateway.oc1.eu-frankfurt-1.internet";
const KEYS = "https://idp.example.com/keys";
export const gatewayAt = `api-gateway gateway list ${COMPARTMENT}`;
export const subnetAt = `network subnet get ${SUBNET}`;
export const routesAt = `network route-table get ${ROUTES}`;
export const listAt = `network security-list get ${LIST}`;
export const internetAt = `network internet-gateway get ${INTERNET}`;
export const deploymentAt = `api-gateway deployment get ${DEPLOYMENT}`;
export const deploymentsAt = `api-gateway deployment list ${COMPARTMENT}`;

const faults: string[] = [];
const specification = readSpecification(faults);
assert(specification, faults.join());
export const gateway: GatewaySettings = {
  subnet: SUBNET,
  endpointType: "PRIVATE",
  auth: { issuer: "https://idp.example.com", audience: "inserter", keys: undefined },
  origins: [],
  specification,
};
export const settings = { ...settingsForTests(), gateway };

export const grant = (condition: string, what = "use functions-family", where = COMPARTMENT) =>
  `Allow any-user to ${what} in compartment id ${where} where all {request.principal.type = 'ApiGateway', ${condition}}`;
export const ours = `request.resource.compartment.id = '${COMPARTMENT}'`;

/** As provision and bootstrap leave it, and as the CLI shows it: with each field that the service knows. */
export function goodGateway(statement = grant(ours)): World {
  const world = goodWorld();
  const named = { displayName: "postgres-inserter", compartmentId: COMPARTMENT, lifecycleState: "ACTIVE" };
  const tokens = { issuer: "https://idp.example.com", audience: "inserter", keys: KEYS };
  const filled = fillSpecification(gateway.specification, FUNCTION, { auth: tokens, origins: [] });
  const deployment = {
    ...named,
    id: DEPLOYMENT,
    gatewayId: GATEWAY,
    pathPrefix: "/",
    endpoint: "https://g.example.com/",
  };
  const shown = {
    ...filled,
    requestPolicies: { ...filled.requestPolicies, cors: null, mutualTls: null, usagePlans: null },
  };
  world.answers[subnetAt] = {
    ...world.answers[AT.subnet],
    id: SUBNET,
    displayName: "edge",
    cidrBlock: "10.1.2.0/24",
    routeTableId: ROUTES,
    securityListIds: [LIST],
    prohibitPublicIpOnVnic: true,
  };
  world.answers[routesAt] = { routeRules: [world.answers[AT.routes].routeRules[0]] };
  const https = { protocol: "6", tcpOptions: { destinationPortRange: { min: 443, max: 443 } } };
  world.answers[listAt] = {
    ingressSecurityRules: [{ source: "10.0.0.0/16", sourceType: "CIDR_BLOCK", ...https }],
    egressSecurityRules: [world.answers[AT.list].egressSecurityRules[0]],
  };
  world.answers[gatewayAt] = [{ ...named, id: GATEWAY, endpointType: "PRIVATE", subnetId: SUBNET }];
  world.answers[deploymentsAt] = { items: [deployment] };
  world.answers[deploymentAt] = { ...deployment, specification: structuredClone(shown) };
  world.answers[AT.policies].push({ id: "p", name: "gateway", lifecycleState: "ACTIVE", statements: [statement] });
  return world;
}
