/** Errors as the API has them: a code, the HTTP status that goes with it, and `details`, which is always present. */

const statusOf = {
  json_error: 400,
  unauthorized: 401,
  token_readonly: 401,
  forbidden: 403,
  maintenance: 403,
  resource_limit_exceeded: 403,
  not_found: 404,
  method_not_allowed: 405,
  uniqueness_error: 409,
  conflict: 409,
  deprecated_api_endpoint: 410,
  resource_unavailable: 412,
  placement_error: 422,
  source_port_already_used: 412,
  primary_ip_version_mismatch: 412,
  invalid_input: 422,
  service_error: 422,
  unsupported_error: 422,
  resource_in_use: 422,
  must_be_unassigned: 422,
  invalid_server_type: 422,
  server_not_stopped: 422,
  server_already_attached: 422,
  networks_overlap: 422,
  ip_not_available: 422,
  no_subnet_available: 422,
  vswitch_id_already_used: 422,
  already_in_placement_group: 422,
  placement_group_member_limit_reached: 422,
  incorrect_zone_mode: 422,
  invalid_load_balancer_type: 422,
  load_balancer_already_attached: 422,
  load_balancer_not_attached_to_network: 422,
  load_balancer_public_interface_disabled: 422,
  load_balancer_target_not_found: 422,
  target_already_defined: 422,
  targets_without_use_private_ip: 422,
  resolve_cloud_private_targets_error: 422,
  resolve_cloud_public_targets_error: 422,
  cloud_resource_ip_not_allowed: 422,
  ip_not_assigned_to_server: 422,
  ip_not_in_vswitch_subnet: 422,
  ip_not_owned: 422,
  network_has_no_vswitch_subnet: 422,
  server_is_load_balancer_target: 422,
  no_space_left_in_location: 422,
  volume_already_attached: 422,
  floating_ip_assigned: 422,
  server_has_ipv4: 422,
  server_has_ipv6: 422,
  primary_ip_assigned: 422,
  primary_ip_already_assigned: 422,
  primary_ip_datacenter_mismatch: 422,
  firewall_already_applied: 422,
  firewall_resource_not_found: 404,
  firewall_managed_by_label_selector: 422,
  locked: 423,
  protected: 423,
  rate_limit_exceeded: 429,
  server_error: 500,
  bad_gateway: 502,
  unavailable: 503,
  timeout: 504,
} as const;

export type ErrorCode = keyof typeof statusOf;
export type ErrorStatus = (typeof statusOf)[ErrorCode];

export function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(statusOf, code);
}

/** One field of a request that is wrong. */
export interface FieldError {
  name: string;
  messages: string[];
}

/** What the API answers instead of a result. */
export class ApiError extends Error {
  readonly code: ErrorCode;
  readonly status: ErrorStatus;
  readonly details: object | null;

  constructor(code: ErrorCode, message: string, details: object | null = null, status?: ErrorStatus) {
    super(message);
    this.code = code;
    this.status = status ?? statusOf[code];
    this.details = details;
  }

  get body(): { error: { code: string; message: string; details: object | null } } {
    return { error: { code: this.code, message: this.message, details: this.details } };
  }
}

/** 422 `invalid_input`; `details.fields` is always there because the Terraform provider asserts its type. */
export function invalidInput(fields: FieldError[], message = describe(fields)): ApiError {
  return new ApiError("invalid_input", message, { fields });
}

export function invalidField(name: string, message: string): ApiError {
  return invalidInput([{ name, messages: [message] }]);
}

/** 422 `invalid_input` with a message of its own, for a field whose value does not fit the rest. */
export function refusedField(name: string, message: string): ApiError {
  return invalidInput([{ name, messages: [message] }], message);
}

export function notUnique(field: string, message: string): ApiError {
  return new ApiError("uniqueness_error", message, { fields: [{ name: field }] });
}

export function notFound(what: string, id: number | string): ApiError {
  return new ApiError("not_found", `${what} with ID '${id}' not found`);
}

function describe(fields: FieldError[]): string {
  const [only] = fields;
  if (fields.length === 1 && only) {
    return `invalid input in field '${only.name}': ${only.messages.join(", ")}`;
  }
  return `invalid input in fields ${fields.map((field) => `'${field.name}'`).join(", ")}`;
}
