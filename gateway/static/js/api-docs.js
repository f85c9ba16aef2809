// Shows the OpenAPI document on the page whose #document names its address.
const place = document.getElementById("document");
SwaggerUIBundle({
  url: place.dataset.document,
  domNode: place,
  deepLinking: true,
  defaultModelsExpandDepth: 0,
  displayRequestDuration: true,
  // The validator's badge would send the document's address to another site.
  validatorUrl: null,
});
