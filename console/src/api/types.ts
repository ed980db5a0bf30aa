/* types - the names that pages use for the shapes of /openapi.json. openapi.d.ts is made by `npm run types`. */
import type { components, paths } from './openapi';

export type Schemas = components['schemas'];
export type Run = Schemas['Run'];
export type RunDetail = Schemas['RunDetail'];
export type RunState = Schemas['RunState'];
export type Step = Schemas['Step'];
export type Plan = Schemas['Plan'];
export type PlanStep = Schemas['PlanStep'];
export type StepRequest = Schemas['StepRequest'];
export type Decision = Schemas['Decision'];
export type Approval = Schemas['Approval'];
export type Artifact = Schemas['Artifact'];
export type Change = Schemas['Change'];
export type Changes = Schemas['Changes'];
export type Project = Schemas['Project'];
export type Verdict = Schemas['Verdict'];
export type AuditRecord = Schemas['AuditRecord'];
export type Token = Schemas['Token'];
export type Queue = Schemas['Queue'];
export type QueueItem = Schemas['QueueItem'];
export type Scope = Schemas['Scope'];
export type Event = Schemas['Event'];
export type ErrorBody = Schemas['ErrorBody'];
export type Doctor = Schemas['Doctor'];

/* ---- routes: what they take and give, by method and path without /api/v1 ---- */

type Full<P extends string> = `/api/v1${P}`;
type Short<P> = P extends Full<infer S> ? S : never;
type Methods = 'get' | 'post' | 'put' | 'delete';

/* The paths that have the method. */
export type PathOf<M extends Methods> = {
    [P in keyof paths]: paths[P][M] extends { responses: unknown } ? Short<P> : never;
}[keyof paths];

type Op<P extends string, M extends Methods> = Full<P> extends keyof paths ? paths[Full<P>][M] : never;
type Part<O, K extends string> = O extends { parameters: { [X in K]: infer V } } ? V : undefined;
type Query<O> = O extends { parameters: { query?: infer V } } ? V : never;
type Json<T> = T extends { content: { 'application/json': infer J } } ? J : never;

export type BodyOf<P extends string, M extends Methods> =
    Op<P, M> extends { requestBody: { content: { 'application/json': infer B } } } ? B
        : Op<P, M> extends { requestBody?: { content: { 'application/json': infer B } } } ? B : undefined;
export type AnswerOf<P extends string, M extends Methods> = Op<P, M> extends { responses: infer R }
    ? { [S in keyof R]: S extends 200 | 201 | 202 ? Json<R[S]> : never }[keyof R] : never;

type PathPart<P extends string, M extends Methods> =
    Part<Op<P, M>, 'path'> extends undefined ? { path?: undefined } : { path: Part<Op<P, M>, 'path'> };
export type InputOf<P extends string, M extends Methods> = PathPart<P, M> & {
    query?: Query<Op<P, M>>;
    /* Ends the request, and its answer comes to nobody. */
    signal?: AbortSignal;
};
