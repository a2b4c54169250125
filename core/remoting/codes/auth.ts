// Users and access rules (ACL 2.0).
import { optional, row } from "../code_row.ts";

const AUTH = "Authentication and authorization are not implemented yet.";

export const AUTH_CREATE_USER = row({
  code: 3001,
  name: "AUTH_CREATE_USER",
  doc: "Creates a user (body: UserInfo).",
  servedBy: [],
  whyNotServed: AUTH,
  request: {
    username: optional("string", "User name."),
  },
  response: {},
});

export const AUTH_UPDATE_USER = row({
  code: 3002,
  name: "AUTH_UPDATE_USER",
  doc: "Changes a user (body: UserInfo).",
  servedBy: [],
  whyNotServed: AUTH,
  request: {
    username: optional("string", "User name."),
  },
  response: {},
});

export const AUTH_DELETE_USER = row({
  code: 3003,
  name: "AUTH_DELETE_USER",
  doc: "Deletes a user.",
  servedBy: [],
  whyNotServed: AUTH,
  request: {
    username: optional("string", "User name."),
  },
  response: {},
});

export const AUTH_GET_USER = row({
  code: 3004,
  name: "AUTH_GET_USER",
  doc: "One user (answer body: UserInfo).",
  servedBy: [],
  whyNotServed: AUTH,
  request: {
    username: optional("string", "User name."),
  },
  response: {},
});

export const AUTH_LIST_USER = row({
  code: 3005,
  name: "AUTH_LIST_USER",
  doc: "Users (answer body: list of UserInfo).",
  servedBy: [],
  whyNotServed: AUTH,
  request: {
    filter: optional("string", "Part of a user name."),
  },
  response: {},
});

export const AUTH_CREATE_ACL = row({
  code: 3006,
  name: "AUTH_CREATE_ACL",
  doc: "Creates access rules of a subject (body: AclInfo).",
  servedBy: [],
  whyNotServed: AUTH,
  request: {
    subject: optional("string", "User or other subject, as kind:name."),
  },
  response: {},
});

export const AUTH_UPDATE_ACL = row({
  code: 3007,
  name: "AUTH_UPDATE_ACL",
  doc: "Changes access rules of a subject (body: AclInfo).",
  servedBy: [],
  whyNotServed: AUTH,
  request: {
    subject: optional("string", "User or other subject, as kind:name."),
  },
  response: {},
});

export const AUTH_DELETE_ACL = row({
  code: 3008,
  name: "AUTH_DELETE_ACL",
  doc: "Deletes access rules of a subject.",
  servedBy: [],
  whyNotServed: AUTH,
  request: {
    subject: optional("string", "User or other subject, as kind:name."),
    policyType: optional("string", "Custom or Default."),
    resource: optional("string", "Resource, as kind:name."),
  },
  response: {},
});

export const AUTH_GET_ACL = row({
  code: 3009,
  name: "AUTH_GET_ACL",
  doc: "A subject's access rules (answer body: AclInfo).",
  servedBy: [],
  whyNotServed: AUTH,
  request: {
    subject: optional("string", "User or other subject, as kind:name."),
  },
  response: {},
});

export const AUTH_LIST_ACL = row({
  code: 3010,
  name: "AUTH_LIST_ACL",
  doc: "Access rules (answer body: list of AclInfo).",
  servedBy: [],
  whyNotServed: AUTH,
  request: {
    subjectFilter: optional("string", "Part of a subject."),
    resourceFilter: optional("string", "Part of a resource."),
  },
  response: {},
});
