import * as pulumi from "@pulumi/pulumi";
import { afterEach, beforeEach, expect, test } from "vitest";
import { explainFailedDependencies } from "../../components/failed-dependencies.ts";

const event = "unhandledRejection";
let before: NodeJS.UnhandledRejectionListener[];
let told: unknown[];
beforeEach(() => {
  before = process.listeners(event);
  process.removeAllListeners(event);
  told = [];
  process.on(event, (reason) => told.push(reason));
  explainFailedDependencies();
});
afterEach(() => {
  process.removeAllListeners(event);
  for (const listener of before) process.on(event, listener);
});

const reject = (message: string) => process.emit(event, new Error(message), Promise.resolve());

test("what depends on a resource that failed is said once, in one line without a stack", () => {
  const failed = "resource web1-deployment [berth:deploy:Deployment] failed to register";
  reject(failed);
  reject(`error serializing property "firewallId": ${failed}`);
  expect(told).toHaveLength(1);
  expect(pulumi.RunError.isInstance(told[0])).toBe(true);
  expect((told[0] as Error).message).toContain("web1-deployment failed");
  expect((told[0] as Error).stack).toBe("");
});

test("every resource that failed is named", () => {
  for (const name of ["web1-deployment", "web2-deployment"])
    reject(`resource ${name} [berth:deploy:Deployment] failed to register`);
  expect(told).toHaveLength(2);
});

test("a mistake in the program stays what it is", () => {
  const mistake = new TypeError("x is not a function");
  process.emit(event, mistake, Promise.resolve());
  expect(told).toEqual([mistake]);
});
