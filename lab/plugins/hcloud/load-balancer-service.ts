import type { Properties, Value } from "../../../provider/framework/types.ts";
import { type Api, actionsOf, type Json } from "./api.ts";
import { lookUp } from "./entity.ts";
import { Gone, isRefusal, sdkWords } from "./errors.ts";
import type { CloudResource } from "./resource.ts";
import { against, persist, TRIES, tolerating } from "./retry.ts";

interface HttpCheck {
  domain: string;
  path: string;
  response: string;
  tls: boolean;
  status_codes: string[] | null;
}

interface Service {
  protocol: string;
  listen_port: number;
  destination_port: number;
  proxyprotocol: boolean;
  http?: {
    sticky_sessions: boolean;
    cookie_name: string;
    cookie_lifetime: number;
    certificates: number[] | null;
    redirect_http: boolean;
    timeout_idle?: number;
  } | null;
  health_check: {
    protocol: string;
    port: number;
    interval: number;
    timeout: number;
    retries: number;
    http?: HttpCheck | null;
  };
}

const PROTOCOLS = ["http", "https", "tcp"];
/** Where a service listens when the program does not say. */
const USUAL_PORTS: Record<string, number> = { http: 80, https: 443 };
/** The seconds an idle connection is kept. */
const IDLE: readonly [number, number] = [30, 300];

/** `hcloud:index/loadBalancerService:LoadBalancerService`, known by "<load balancer>__<port>". */
export const loadBalancerService: CloudResource = {
  half: "sdk",
  words: sdkWords,
  attributes: {
    loadBalancerId: { kind: "text", required: true, replaces: true },
    protocol: { kind: "text", required: true, replaces: true, oneOf: PROTOCOLS },
    listenPort: { kind: "number", computed: true, replaces: true },
    destinationPort: { kind: "number", computed: true },
    proxyprotocol: { kind: "boolean", computed: true },
    http: {
      kind: "block",
      computed: true,
      block: {
        stickySessions: { kind: "boolean", computed: true },
        cookieName: { kind: "text", computed: true },
        cookieLifetime: { kind: "number", computed: true },
        certificates: { kind: "numbers", computed: true, unordered: true },
        redirectHttp: { kind: "boolean", computed: true },
        timeoutIdle: { kind: "number", computed: true, range: IDLE },
      },
    },
    healthCheck: {
      kind: "block",
      computed: true,
      block: {
        protocol: { kind: "text", required: true, oneOf: PROTOCOLS },
        port: { kind: "number", required: true },
        interval: { kind: "number", required: true },
        timeout: { kind: "number", required: true },
        retries: { kind: "number", required: true },
        http: {
          kind: "block",
          computed: true,
          block: {
            domain: { kind: "text", unset: null },
            path: { kind: "text", unset: null },
            response: { kind: "text", unset: null },
            tls: { kind: "boolean", unset: null },
            statusCodes: { kind: "texts", unset: null },
          },
        },
      },
    },
  },
  forgetsFailure: true,

  async create({ api, wanted, signal }, exists) {
    const { loadBalancerId, protocol } = wanted;
    const port = Number(wanted.listenPort || USUAL_PORTS[String(protocol)] || 0);
    const body: Json = {
      protocol,
      listen_port: port,
      ...(wanted.destinationPort ? { destination_port: wanted.destinationPort } : {}),
      ...(wanted.proxyprotocol ? { proxyprotocol: true } : {}),
      ...(wanted.http ? { http: httpBody(wanted.http as Properties, false) } : {}),
      ...(wanted.healthCheck ? { health_check: checkBody(wanted.healthCheck as Properties) } : {}),
    };
    const add = () => api.post(`/load_balancers/${loadBalancerId}/actions/add_service`, body, signal);
    try {
      const answer = await persist(api, signal, { tries: TRIES, again: against("service_error") }, add);
      exists(`${loadBalancerId}__${port}`);
      await api.settle(actionsOf(answer), signal);
    } catch (error) {
      throw isRefusal(error, "not_found") ? new Gone() : error;
    }
    return undefined;
  },

  async read(id, _old, { api, signal }) {
    const at = await find(id, api, signal);
    return at && stateOf(at.balancer, at.service);
  },

  async update(id, _old, { api, wanted, signal }) {
    const at = await find(id, api, signal);
    if (!at) throw new Gone();
    const body: Json = {
      listen_port: at.service.listen_port,
      protocol: wanted.protocol,
      ...(wanted.destinationPort ? { destination_port: wanted.destinationPort } : {}),
      proxyprotocol: wanted.proxyprotocol === true,
      ...(wanted.http ? { http: httpBody(wanted.http as Properties, true) } : {}),
      ...(wanted.healthCheck ? { health_check: checkBody(wanted.healthCheck as Properties) } : {}),
    };
    await api.act(`/load_balancers/${at.balancer}/actions/update_service`, body, signal);
  },

  async delete(id, _old, { api, signal }) {
    const at = await find(id, api, signal);
    if (!at) return;
    const body = { listen_port: at.service.listen_port };
    await tolerating(["not_found"], () =>
      api.act(`/load_balancers/${at.balancer}/actions/delete_service`, body, signal),
    );
  },
};

async function find(id: string, api: Api, signal: AbortSignal) {
  const [, balancer, port] = /^(\d+)__(\d+)$/.exec(id) ?? [];
  if (!balancer) return undefined;
  const found = await lookUp<{ services: Service[] }>(
    "load_balancers",
    "load_balancer",
    balancer,
    api,
    signal,
  );
  const service = found?.services.find(({ listen_port }) => listen_port === Number(port));
  return service && { balancer, service };
}

/** A change names more than an order: it has to be able to empty things. */
function httpBody(http: Properties, change: boolean): Json {
  const certificates = Array.isArray(http.certificates) ? http.certificates : [];
  return {
    sticky_sessions: http.stickySessions === true,
    ...(change || http.cookieName ? { cookie_name: http.cookieName ?? "" } : {}),
    ...(change || http.cookieLifetime ? { cookie_lifetime: http.cookieLifetime ?? 0 } : {}),
    ...(certificates.length > 0 && { certificates }),
    redirect_http: http.redirectHttp === true,
    ...(http.timeoutIdle ? { timeout_idle: http.timeoutIdle } : {}),
  };
}

function checkBody({ protocol, port, interval, timeout, retries, http }: Properties): Json {
  const body: Json = { protocol, port, interval, timeout, retries };
  return http ? { ...body, http: httpCheckBody(http as Properties) } : body;
}

function httpCheckBody({ domain, path, response, tls, statusCodes }: Properties): Json {
  const codes: Value[] = Array.isArray(statusCodes) ? statusCodes : [];
  return {
    domain: domain ?? "",
    path: path ?? "",
    response: response ?? "",
    tls: tls === true,
    ...(codes.length > 0 && { status_codes: codes }),
  };
}

function stateOf(balancer: string, service: Service): Properties {
  const { http, health_check: check } = service;
  return {
    loadBalancerId: balancer,
    protocol: service.protocol,
    listenPort: service.listen_port,
    destinationPort: service.destination_port,
    proxyprotocol: service.proxyprotocol,
    ...(service.protocol !== "tcp" &&
      http && {
        http: {
          stickySessions: http.sticky_sessions,
          cookieName: http.cookie_name ?? "",
          cookieLifetime: http.cookie_lifetime ?? 0,
          certificates: http.certificates ?? [],
          redirectHttp: http.redirect_http,
          timeoutIdle: http.timeout_idle ?? 0,
        },
      }),
    healthCheck: {
      protocol: check.protocol,
      port: check.port,
      interval: check.interval,
      timeout: check.timeout,
      retries: check.retries,
      http: check.http ? httpCheckState(check.http) : null,
    },
  };
}

function httpCheckState({ domain, path, response, tls, status_codes }: HttpCheck): Properties {
  return {
    domain: domain ?? "",
    path: path ?? "",
    response: response ?? "",
    tls,
    statusCodes: status_codes ?? [],
  };
}
