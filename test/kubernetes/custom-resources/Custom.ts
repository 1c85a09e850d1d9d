// What every object of a custom resource is, besides its specification.
import type { IObjectMeta } from "@kubernetes-models/apimachinery/apis/meta/v1/ObjectMeta"

export interface Custom<ApiVersion extends string, Kind extends string, Spec> {
  readonly apiVersion: ApiVersion
  readonly kind: Kind
  readonly metadata: IObjectMeta
  readonly spec: Spec
}
